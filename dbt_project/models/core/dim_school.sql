with version as (
    select * from {{ ref('int_school_version') }}
),

value_list as (
    select * from {{ ref('value_list') }}
),

municipality_of_name as (
    select distinct
        municipality_id,
        municipality_code,
        name_folded
    from {{ ref('int_municipality_key') }}
    where name_folded is not null
),

located as (
    select
        version.*,
        coalesce('M' || version.municipality_code, by_name.municipality_id) as municipality_id,
        coalesce(version.municipality_code, by_name.municipality_code) as known_municipality_code
    from version
    left join (
        select
            name_folded,
            min(municipality_id) as municipality_id,
            min(municipality_code) as municipality_code
        from municipality_of_name
        group by name_folded
    ) as by_name
        on {{ fold_name('version.municipality') }} = by_name.name_folded
),

named as (
    select
        located.school_id || ':' || cast(located.version_no as text) as school_version_id,
        located.school_id,
        located.school_code,
        located.login,
        located.name,
        located.short_name,
        located.municipality_id,
        located.known_municipality_code as municipality_code,
        coalesce(municipality.municipality_name, located.municipality) as municipality_name,
        coalesce(
            kind.value,
            case
                when evening.value = 'да' then 'вечерняя'
                when correctional.value = 'да' then 'коррекционная'
                when boarding.value = 'да' then 'интернат'
            end,
            education_level.value,
            case
                when has_secondary.value = 'да' then 'СОШ'
                when has_basic.value = 'да' then 'ООШ'
                when has_primary.value = 'да' then 'НОШ'
            end
        ) as school_kind,
        coalesce(locality.value, settlement.value) = 'село' as is_rural,
        located.inn,
        coalesce(leader.value = 'да', false) as is_leader,
        coalesce(innovation.value = 'да', false) as is_innovation_site,
        located.enrolment,
        located.ate_code,
        located.successor_code,
        case when located.is_registered then status.value else 'нет в реестре' end as status,
        located.valid_from,
        located.valid_to,
        located.is_current
    from located
    left join {{ ref('dim_municipality') }} as municipality
        on located.municipality_id = municipality.municipality_id
    left join value_list as kind
        on kind.list_name = 'school_kind' and {{ fold('located.school_kind') }} = kind.spelling
    left join value_list as education_level
        on
            education_level.list_name = 'education_level'
            and {{ fold('located.education_level') }} = education_level.spelling
    left join value_list as locality
        on locality.list_name = 'locality' and {{ fold('located.locality') }} = locality.spelling
    left join value_list as settlement
        on settlement.list_name = 'settlement_type' and {{ fold('located.settlement_type') }} = settlement.spelling
    left join value_list as status
        on status.list_name = 'school_status' and {{ fold('located.status') }} = status.spelling
    {%- for flag, column in [
        ('leader', 'is_leader'), ('innovation', 'is_innovation_site'), ('evening', 'is_evening'),
        ('correctional', 'is_correctional'), ('boarding', 'is_boarding'), ('has_primary', 'has_primary'),
        ('has_basic', 'has_basic'), ('has_secondary', 'has_secondary')
    ] %}
        left join value_list as {{ flag }}
            on {{ flag }}.list_name = 'yes_no' and {{ fold('located.' ~ column) }} = {{ flag }}.spelling
    {%- endfor %}
),

-- One line for a school whatever the year, by its current record.
labelled as (
    select
        school_id,
        {{ school_label('coalesce(school_code, login)', 'coalesce(short_name, name)', 'municipality_name') }} as label
    from named
    where is_current
),

final as (
    select
        {{ region_code() }} as region_code,
        named.*,
        -- Names alone can be the same, and long ones are the same when cut.
        case
            when labelled.label is null then named.school_id
            when labelled.is_shared then labelled.label || ' · ' || named.school_id
            else labelled.label
        end as school_label
    from named
    inner join (
        select
            *,
            count(*) over (partition by label) > 1 as is_shared
        from labelled
    ) as labelled
        on named.school_id = labelled.school_id
)

select * from final
