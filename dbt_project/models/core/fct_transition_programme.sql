{{ config(indexes=[{'columns': ['programme_code', 'school_id'], 'unique': true}]) }}

with source as (
    select * from {{ ref('stg_transition_programme') }}
),

resolved as (
    select
        programme.programme_code,
        school.school_id,
        source.school_code,
        school.municipality_code,
        source.approved_on,
        source.measures_planned,
        source.measures_done,
        is_expertised_listed.value = 'да' as is_expertised,
        source.effective_from,
        has_specialists_listed.value = 'да' as has_specialists,
        has_network_listed.value = 'да' as has_network,
        has_monitoring_listed.value = 'да' as has_monitoring,
        has_team_growth_listed.value = 'да' as has_team_growth,
        has_associations_listed.value = 'да' as has_associations,
        source.file_id,
        source.part_id,
        source.row_no,
        -- Of two rows with one key, the later file is right.
        row_number() over (
            partition by programme.programme_code, school.school_id
            order by source.part_id desc, source.row_no desc
        ) as preference
    from source
    inner join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    inner join {{ ref('int_programme_key') }} as programme
        on {{ fold_name('source.programme') }} = programme.name_folded
    {{ join_list('is_expertised', 'yes_no') }}
    {{ join_list('has_specialists', 'yes_no') }}
    {{ join_list('has_network', 'yes_no') }}
    {{ join_list('has_monitoring', 'yes_no') }}
    {{ join_list('has_team_growth', 'yes_no') }}
    {{ join_list('has_associations', 'yes_no') }}
)

select
    {{ region_code() }} as region_code,
    programme_code,
    school_id,
    school_code,
    municipality_code,
    approved_on,
    measures_planned,
    measures_done,
    is_expertised,
    effective_from,
    has_specialists,
    has_network,
    has_monitoring,
    has_team_growth,
    has_associations,
    file_id,
    part_id,
    row_no
from resolved
where preference = 1
