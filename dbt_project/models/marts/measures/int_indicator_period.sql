-- Every indicator in every period that it is computed for, with its parameters: what the measures start from.

with

indicator as (

    select
        programme_code,
        indicator_code,
        coalesce(version, '') as version,
        measure,
        unit,
        parameters,
        string_to_array(replace(period, ' ', ''), ',') as period_kinds,
        due_from,
        due_to
    from {{ ref('indicator') }}

)

select
    indicator.programme_code,
    indicator.indicator_code,
    indicator.version,
    indicator.measure,
    indicator.parameters,
    indicator.due_from,
    indicator.due_to,
    period.period,
    period.period_kind,
    period.period_no,
    period.year,
    period.date_from,
    period.date_to,
    -- What is done after its term does not count any more.
    least(period.date_to, indicator.due_to) as done_by,
    period.as_of,
    period.is_scored,
    programme.date_from as programme_from,
    programme.pd_min_hours,
    programme.pd_required
from indicator
inner join {{ ref('int_programme_period') }} as period
    on indicator.programme_code = period.programme_code and period.period_kind = any(indicator.period_kinds)
inner join {{ ref('programme') }} as programme on indicator.programme_code = programme.programme_code
