-- The very rows that each indicator rests on in each period: what its filters leave of the facts.
{{ config(indexes=[{'columns': ['indicator_code', 'period']}]) }}

with

filter as (

    select
        asked.*,
        part.role,
        part.spec ->> 'fact' as fact,
        coalesce(part.spec ->> 'when', 'in') as time_rule,
        part.spec -> 'kinds' as kinds,
        part.spec -> 'levels' as levels,
        part.spec -> 'labels' as labels,
        part.spec -> 'schools' as schools,
        part.spec -> 'months' as months,
        part.spec ->> 'label_like' as label_like,
        coalesce(part.spec -> 'tags' ? 'fits', false) as must_fit,
        array(
            select tag.tag from jsonb_array_elements_text(part.spec -> 'tags') as tag (tag)
            where tag.tag <> 'fits'
        ) as tags,
        coalesce(cast(part.spec ->> 'back_years' as integer), 0) as back_years
    from {{ ref('int_indicator_period') }} as asked
    cross join
        lateral (
            select
                role.role,
                jsonb_array_elements(asked.parameters -> role.role) as spec
            from (values ('numerator'), ('denominator'), ('among')) as role (role)
            where jsonb_typeof(asked.parameters -> role.role -> 0) = 'object'
        ) as part

),

fact as (

    select * from {{ ref('int_support_fact') }}

),

matched as (

    select
        {{ measure_key('filter') }},
        filter.role,
        filter.schools,
        fact.fact,
        fact.school_id,
        fact.municipality_code,
        fact.person_id,
        fact.object_key,
        fact.kind,
        fact.label,
        fact.partner_id,
        fact.subprogramme,
        coalesce(extract(year from fact.happened_on), fact.year) as fact_year,
        fact.source,
        fact.part_id,
        fact.row_no
    from filter
    inner join fact
        on
            filter.fact = fact.fact
            and coalesce(filter.programme_code = fact.programme_code, true)
            and (
                fact.subprogramme is null or filter.parameters ->> 'distinct' is distinct from 'subprogramme'
                or starts_with(fact.subprogramme, filter.programme_code || ':')
            )
    where
        (filter.kinds is null or filter.kinds ? fact.kind)
        and (filter.levels is null or filter.levels ? fact.level)
        and (filter.labels is null or filter.labels ? fact.label)
        and (filter.label_like is null or fact.label ~ filter.label_like)
        and fact.tags @> filter.tags
        and (not filter.must_fit or fact.amount >= filter.pd_min_hours)
        and (
            filter.months is null
            or filter.months @> to_jsonb(cast(extract(month from fact.happened_on) as integer))
        )
        and case
            when fact.year is not null
                then
                    fact.year between extract(year from filter.date_from) - filter.back_years
                    and extract(year from filter.date_to)
            when fact.valid_from is not null
                then
                    fact.valid_from <= filter.date_to and coalesce(fact.valid_to >= filter.date_from, true)
            when fact.happened_on is null then true
            -- Done by the day, and not ended by then.
            when filter.time_rule = 'by'
                then
                    fact.happened_on <= filter.done_by
                    and coalesce(fact.happened_on >= filter.due_from, true)
                    and coalesce(fact.valid_to >= filter.done_by, true)
            -- Done at any time since the programme began.
            when filter.time_rule = 'since_start'
                then
                    fact.happened_on between least(filter.programme_from, filter.date_from) and filter.done_by
            else
                fact.happened_on between filter.date_from - make_interval(years => filter.back_years)
                and filter.done_by
        end

)

select
    {{ measure_key('matched') }},
    matched.role,
    matched.fact,
    matched.school_id,
    coalesce(school.school_code, '') as school_code,
    coalesce(school.municipality_code, matched.municipality_code, '') as municipality_code,
    matched.person_id,
    matched.object_key,
    matched.kind,
    matched.label,
    matched.partner_id,
    matched.subprogramme,
    cast(matched.fact_year as integer) as fact_year,
    coalesce('member' = any(school.sets), false) as is_of_member,
    matched.source,
    matched.part_id,
    matched.row_no
from matched
left join {{ ref('int_programme_school') }} as school
    on
        matched.programme_code = school.programme_code
        and matched.period = school.period
        and matched.school_id = school.school_id
where
    matched.schools is null
    -- The first set asked for, where there is one to ask; a year without any verdicts falls back on the second.
    or (matched.schools ->> 0) = any(school.sets)
    or (not school.has_list and (matched.schools ->> 1) = any(school.sets))
