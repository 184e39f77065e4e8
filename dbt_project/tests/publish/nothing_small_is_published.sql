-- What: no cell of schema publish is below the threshold; hidden cells of one total are several and not small together.
-- When it matters: before anyone outside reads the schema; one small cell, or one hidden cell alone, tells of pupils.
-- How to resolve: do not publish; look at the macro suppress_hidden and at what the total is made of.
with

policy as (

    select * from {{ ref('suppression_policy') }}
    where audience = 'public'

),

-- Counted from the results themselves, in another way than the models do.
pupil_cell as (

    select
        counts.year,
        counts.procedure_code as subject_of_total,
        school.municipality_id as area,
        sum(counts.n_participants) as n
    from {{ ref('fct_school_procedure') }} as counts
    left join {{ ref('int_school_of_year') }} as school
        on counts.year = school.year and counts.school_id = school.school_id
    where
        counts.n_participants > 0
        and counts.n_below_min is not null
        and counts.year in (select of_year.year from {{ ref('int_school_of_year') }} as of_year)
    group by counts.year, counts.procedure_code, school.municipality_id

),

-- An approved list is open school by school: what it tells is no secret of another table. Its own rule is the last one.
open_list as (

    select
        year,
        method_code,
        municipality_code,
        count(*) as n,
        count(*) filter (where status = 'listed') as n_listed
    from {{ ref('publish_school_list') }}
    where status <> 'insufficient_data'
    group by year, method_code, municipality_code

),

school_cell as (

    select
        identification.year,
        identification.method_code as subject_of_total,
        identification.municipality_code as area,
        count(*) as n
    from {{ ref('mart_identification') }} as identification
    inner join {{ ref('int_publishable_school') }} as publishable
        on
            identification.year = publishable.year
            and identification.school_id = publishable.school_id
            and identification.method_code = publishable.method_code
    where
        publishable.is_enough
        and identification.is_low_results is not null
        and not exists (
            select 1 from open_list
            where identification.year = open_list.year and identification.method_code = open_list.method_code
        )
    group by identification.year, identification.method_code, identification.municipality_code

),

cell as (

    select
        'publish_municipality_results' as model,
        pupil_cell.*,
        coalesce(published.is_hidden, true) as is_hidden,
        num_nonnulls(published.n_participants_rounded, published.percent_from, published.percent_to) as n_shown
    from pupil_cell
    left join {{ ref('publish_municipality_results') }} as published
        on
            pupil_cell.year = published.year
            and pupil_cell.subject_of_total = published.procedure_code
            and pupil_cell.area = published.municipality_id
            and published.area_kind = 'municipality'
    union all
    select
        'publish_identification' as model,
        school_cell.*,
        coalesce(published.is_hidden, true) as is_hidden,
        num_nonnulls(published.n_schools_rounded, published.n_low_rounded, published.percent_from) as n_shown
    from school_cell
    left join {{ ref('publish_identification') }} as published
        on
            school_cell.year = published.year
            and school_cell.subject_of_total = published.method_code
            and school_cell.area = published.municipality_code
            and published.area_kind = 'municipality'

),

total as (

    select
        model,
        year,
        subject_of_total,
        sum(n) as n,
        count(*) as n_cells,
        count(*) filter (where is_hidden) as n_hidden_cells,
        sum(n) filter (where is_hidden) as n_hidden
    from cell
    group by model, year, subject_of_total

),

region as (

    select
        'publish_municipality_results' as model,
        year,
        procedure_code as subject_of_total,
        is_hidden
    from {{ ref('publish_municipality_results') }}
    where area_kind = 'region'
    union all
    select
        'publish_identification' as model,
        published.year,
        published.method_code as subject_of_total,
        published.is_hidden
    from {{ ref('publish_identification') }} as published
    where
        published.area_kind = 'region'
        and not exists (
            select 1 from open_list
            where published.year = open_list.year and published.method_code = open_list.method_code
        )

)

select
    cell.model,
    cell.year,
    cell.subject_of_total,
    cell.area,
    'small or hidden cell is shown' as problem
from cell
cross join policy
where (cell.n < policy.min_n or cell.is_hidden) and cell.n_shown > 0
union all
select
    total.model,
    total.year,
    total.subject_of_total,
    null as area,
    'hidden cells give themselves away' as problem
from total
inner join region
    on
        total.model = region.model
        and total.year = region.year
        and total.subject_of_total = region.subject_of_total
cross join policy
where
    not region.is_hidden
    and (
        total.n < policy.min_n
        or (
            total.n_hidden_cells > 0
            -- Where every cell is hidden, a subtraction gives the total again, which is large enough.
            and total.n_hidden_cells < total.n_cells
            and (total.n_hidden_cells < policy.min_hidden or total.n_hidden < policy.min_n)
        )
    )
union all
select
    'publish_identification' as model,
    open_list.year,
    open_list.method_code as subject_of_total,
    open_list.municipality_code as area,
    'numbers tell more than the open list, or something else' as problem
from open_list
left join {{ ref('publish_identification') }} as published
    on
        open_list.year = published.year
        and open_list.method_code = published.method_code
        and open_list.municipality_code = published.municipality_code
        and published.area_kind = 'municipality'
where
    open_list.municipality_code is not null
    and not coalesce(
        open_list.n_listed * 100 between published.percent_from * open_list.n and published.percent_to * open_list.n,
        false
    )
union all
select
    'publish_school_list' as model,
    listed.year,
    listed.method_code as subject_of_total,
    listed.school_id as area,
    'status of a school with too few pupils' as problem
from {{ ref('publish_school_list') }} as listed
left join {{ ref('int_publishable_school') }} as publishable
    on
        listed.year = publishable.year
        and listed.method_code = publishable.method_code
        and listed.school_id = publishable.school_id
cross join policy
where listed.status <> 'insufficient_data' and coalesce(publishable.n_pooled, 0) < policy.min_n
