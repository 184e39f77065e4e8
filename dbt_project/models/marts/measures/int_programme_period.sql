-- Periods of every programme that had members: years, quarters, stages, the whole programme; of the years computed now.

with

programme as (

    select * from {{ ref('programme') }}

),

known as (

    select max(year) as last_year
    from (
        select max(year) as year from {{ ref('int_school_of_year') }}
        union all
        select max(year_to) from programme
    ) as last_years

),

membership as (

    select * from {{ ref('fct_membership') }}

),

member_year as (

    select distinct
        membership.programme_code,
        cast(years.year as integer) as year
    from membership
    cross join known
    cross join
        lateral generate_series(
            extract(year from membership.included_from),
            least(
                extract(year from membership.excluded_from - 1), {{ programme_last_year('known.last_year') }}
            )
        ) as years (year)
    where {{ method_in_span('years.year') }}

),

of_year as (

    select
        member_year.programme_code,
        member_year.year,
        programme.year_from,
        programme.year_to,
        programme.date_from as programme_from,
        programme.date_to as programme_to,
        member_year.year between programme.year_from and programme.year_to as is_scored,
        make_date(member_year.year, 1, 1) as date_from,
        make_date(member_year.year, 12, 31) as date_to
    from member_year
    inner join programme on member_year.programme_code = programme.programme_code

),

quarter as (

    select
        of_year.*,
        quarters.quarter_no,
        cast(of_year.date_from + make_interval(months => 3 * (quarters.quarter_no - 1)) as date) as quarter_from,
        cast(of_year.date_from + make_interval(months => 3 * quarters.quarter_no) as date) - 1 as quarter_to
    from of_year
    cross join generate_series(1, 4) as quarters (quarter_no)

),

final as (

    select
        programme_code,
        cast(year as text) as period,
        'year' as period_kind,
        year,
        cast(null as integer) as period_no,
        -- What is done before a programme begins or after it has ended is not the programme's.
        case when is_scored then greatest(date_from, programme_from) else date_from end as date_from,
        case when is_scored then least(date_to, programme_to) else date_to end as date_to,
        case when is_scored then least(date_to, programme_to) else date_to end as as_of,
        is_scored
    from of_year
    union all
    select
        programme_code,
        year || '-Q' || quarter_no,
        'quarter',
        year,
        quarter_no,
        case when is_scored then greatest(quarter_from, programme_from) else quarter_from end,
        case when is_scored then least(quarter_to, programme_to) else quarter_to end,
        case when is_scored then least(quarter_to, programme_to) else quarter_to end as as_of,
        is_scored
    from quarter
    -- Quarters in which the programme itself was not under way are nobody's duty.
    where not is_scored or (quarter_from <= programme_to and quarter_to >= programme_from)
    union all
    select
        stage.programme_code,
        'stage-' || stage.stage_no,
        'stage',
        of_year.year,
        stage.stage_no,
        stage.date_from,
        stage.date_to,
        stage.date_to as as_of,
        true
    from {{ ref('programme_stage') }} as stage
    inner join of_year
        on stage.programme_code = of_year.programme_code and extract(year from stage.date_to) = of_year.year
    union all
    select
        programme_code,
        'programme',
        'programme',
        year,
        cast(null as integer),
        programme_from,
        programme_to,
        programme_to as as_of,
        true
    from of_year
    where year = year_to

)

select * from final
