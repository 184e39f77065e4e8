{{ config(indexes=[{'columns': ['year', 'municipality_code', 'level'], 'unique': true}]) }}

with source as (
    select * from {{ ref('stg_infrastructure') }}
),

resolved as (
    select
        coalesce(municipality.municipality_code, source.municipality_code) as municipality_code,
        level_listed.value as level,
        source.ordered_on,
        has_contact_listed.value = 'да' as has_contact,
        source.services,
        source.year,
        source.file_id,
        source.part_id,
        source.row_no,
        -- Of two rows with one key, the later file is right.
        row_number() over (
            partition by
                source.year,
                coalesce(municipality.municipality_code, source.municipality_code),
                level_listed.value
            order by source.part_id desc, source.row_no desc
        ) as preference
    from source
    left join {{ ref('int_municipality_of_code') }} as municipality
        on ltrim(source.municipality_code, '0') = municipality.code_folded
    {{ join_list('level', 'level') }}
    {{ join_list('has_contact', 'yes_no') }}
)

select
    {{ region_code() }} as region_code,
    municipality_code,
    level,
    ordered_on,
    has_contact,
    services,
    year,
    file_id,
    part_id,
    row_no
from resolved
where preference = 1
