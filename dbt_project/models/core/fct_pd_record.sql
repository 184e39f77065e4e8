{{ config(indexes=[{'columns': ['school_id']}, {'columns': ['person_id']}]) }}

with source as (
    select * from {{ ref('stg_pd_record') }}
),

record as (
    select
        source.*,
        school.school_id,
        school.municipality_code,
        coalesce(source.person_key, known.person_id, source.name_key) as person_id,
        cast(extract(year from source.finished_on) as integer) as finished_year,
        position_listed.value as position_value,
        status_listed.value as status_value
    from source
    left join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    left join {{ ref('int_staff_person') }} as known
        on source.name_key = known.name_key
    {{ join_list('position', 'staff_position') }}
    {{ join_list('status', 'pd_status') }}
    -- A school that is named and not known is not looked for in the staff lists.
    where source.school_code is null or school.school_id is not null
),

-- Staff lists that know the person: of the year of the document, else the nearest before it, else the nearest after.
listed as (
    select
        record.part_id,
        record.row_no,
        staff.school_id,
        staff.school_code,
        staff.municipality_code,
        staff.position,
        rank() over (
            partition by record.part_id, record.row_no
            order by
                case when staff.year <= record.finished_year then 0 else 1 end,
                abs(staff.year - record.finished_year)
        ) as preference
    from record
    inner join {{ ref('fct_staff') }} as staff
        on
            record.person_id = staff.person_id
            and (record.school_id is null or record.school_id = staff.school_id)
),

-- A director who also teaches is a director.
employed as (
    select
        part_id,
        row_no,
        school_id,
        min(school_code) as school_code,
        min(municipality_code) as municipality_code,
        (
            array_agg(
                position
                order by
                    case position
                        when 'директор' then 1
                        when 'заместитель директора' then 2
                        when 'учитель' then 3
                        else 4
                    end,
                    position
            )
        )[1] as position
    from listed
    where preference = 1
    group by part_id, row_no, school_id
)

select
    {{ region_code() }} as region_code,
    record.person_id,
    record.person_key,
    record.snils_state,
    record.name_key,
    coalesce(record.school_id, employed.school_id) as school_id,
    coalesce(record.school_code, employed.school_code) as school_code,
    coalesce(record.municipality_code, employed.municipality_code) as municipality_code,
    record.school_id is null and employed.school_id is not null as is_school_from_staff,
    record.position_value is null and employed.position is not null as is_position_from_staff,
    coalesce(record.position_value, employed.position) as position,
    record.course,
    record.topic,
    record.subprogramme,
    record.hours,
    record.started_on,
    record.finished_on,
    record.certificate_no,
    record.status_value as status,
    coalesce(record.status_value in ('оригинал', 'дубликат'), false) as is_finished,
    coalesce(record.status_value = 'дубликат', false) as is_duplicate,
    record.document_kind,
    record.file_id,
    record.part_id,
    record.row_no
from record
left join employed
    on record.part_id = employed.part_id and record.row_no = employed.row_no
