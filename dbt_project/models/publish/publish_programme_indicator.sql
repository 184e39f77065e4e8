-- Indicators of the programmes for everyone: the region only; what counts people is rounded, and hidden where they are
-- few.
with

policy as (

    select * from {{ ref('suppression_policy') }}
    where audience = 'public'

),

region as (

    select
        value.*,
        policy.min_n,
        policy.open_measures ? indicator.measure as is_open
    from {{ ref('mart_programme_indicator') }} as value
    inner join {{ ref('indicator') }} as indicator
        on
            value.programme_code = indicator.programme_code
            and value.indicator_code = indicator.indicator_code
            and value.version = coalesce(indicator.version, '')
    cross join policy
    where value.territory_kind = 'region'

),

judged as (

    select
        region.*,
        -- Of people it must be known how many they are.
        value is not null and not is_open and coalesce(denominator < min_n, true) as is_hidden
    from region

)

select
    year,
    programme_code,
    programme_title,
    indicator_code,
    version,
    title,
    quote,
    quote_source,
    unit,
    period,
    period_kind,
    territory_name,
    is_hidden,
    case when is_open and denominator >= min_n then numerator end as numerator,
    case when is_open and denominator >= min_n then denominator end as denominator,
    case
        when is_hidden then null
        when is_open then value
        else cast(round(cast(value as numeric), 2) as double precision)
    end as value,
    target,
    comparator,
    -- Whether a target is met tells on which side of it a value lies.
    case when is_hidden then 'hidden' else status end as status,
    case
        when is_hidden then 'скрыто: мало людей'
        when status = 'met' then 'выполнено'
        when status = 'not_met' then 'не выполнено'
        when status = 'no_data' then 'нет данных'
        when status = 'not_applicable' then 'неприменимо'
        when status = 'ambiguous' then 'неоднозначно'
        when status = 'tracked' then 'отслеживается'
    end as status_title
from judged
