with source as (
    select * from {{ ref('stg_service') }}
),

final as (
    select
        {{ region_code() }} as region_code,
        source.served_on,
        school.school_id,
        source.school_code,
        coalesce(
            municipality.municipality_code, source.municipality_code, school.municipality_code
        ) as municipality_code,
        source.person_key as person_id,
        source.person_key,
        source.snils_state,
        kind_listed.value as kind,
        programme.programme_code,
        source.file_id,
        source.part_id,
        source.row_no
    from source
    left join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    left join {{ ref('int_municipality_of_code') }} as municipality
        on ltrim(source.municipality_code, '0') = municipality.code_folded
    left join {{ ref('int_programme_key') }} as programme
        on {{ fold_name('source.programme') }} = programme.name_folded
    {{ join_list('kind', 'service_kind') }}
    -- What names a school or a programme that is not known must not pass for all of them.
    where
        (source.school_code is null or school.school_id is not null)
        and (source.programme is null or programme.programme_code is not null)
)

select * from final
