-- Indicators of the programmes and items of their road maps, with their own words.
select
    programme_code,
    indicator_code,
    coalesce(version, '') as version,
    section,
    title,
    quote,
    more_quotes,
    quote_source,
    unit,
    target,
    comparator,
    period,
    grain,
    measure,
    parameters,
    sources,
    due_from,
    due_to,
    scored_to,
    formula,
    reading
from {{ ref('indicator') }}
