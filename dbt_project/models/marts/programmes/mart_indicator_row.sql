-- The rows of the files that an indicator rests on.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ method_clear_span() }}",
    indexes=[{'columns': ['programme_code', 'indicator_code', 'period']}]
) }}

select
    {{ measure_key('fact') }},
    programme.short_title as programme_title,
    {{ indicator_title('indicator') }} as indicator_title,
    {{ period_title('fact.period') }} as period_title,
    fact.role,
    fact.school_code,
    fact.municipality_code,
    school.territory_name as school_name,
    school.school_label,
    school.school_kind,
    coalesce(municipality.municipality_name, school.municipality_name) as municipality_name,
    fact.fact,
    fact.kind,
    fact.source,
    sheet_place.name as file_name,
    sheet_place.sheet,
    fact.row_no,
    fact.part_id,
    '{{ env_var("RAVENSTVO_CALCULATION_ID", "manual") }}' as calculation_id
from {{ ref('int_indicator_fact') }} as fact
inner join {{ ref('indicator') }} as indicator
    on
        fact.programme_code = indicator.programme_code
        and fact.indicator_code = indicator.indicator_code
        and fact.version = coalesce(indicator.version, '')
inner join {{ ref('programme') }} as programme on fact.programme_code = programme.programme_code
left join {{ ref('int_territory') }} as school
    on school.territory_kind = 'school' and fact.school_code = school.territory_code
left join {{ ref('int_territory') }} as municipality
    on municipality.territory_kind = 'municipality' and fact.municipality_code = municipality.territory_code
inner join {{ source('ops', 'part_place') }} as sheet_place on fact.part_id = sheet_place.part_id
-- What was done for others than those whom the indicator asks about stands behind no figure.
where
    case indicator.measure
        when 'member_share' then fact.is_of_member
        when 'score_share' then fact.is_of_member
        when 'deficit_closed' then fact.is_of_member
        when 'deficit_supported' then fact.is_of_member
        when 'deficit_change' then fact.is_of_member
        when 'named_share'
            then
                exists (
                    select 1 from {{ ref('int_programme_place') }} as place
                    where
                        place.programme_code = fact.programme_code
                        and place.indicator_code = fact.indicator_code
                        and place.school_id = fact.school_id
                )
        when 'person_share'
            then
                exists (
                    select 1 from {{ ref('int_indicator_person') }} as person
                    where
                        {{ same_measure('person', 'fact') }}
                        and person.is_counted
                        and coalesce(person.person_id = fact.person_id, person.school_id = fact.school_id)
                )
        else true
    end
