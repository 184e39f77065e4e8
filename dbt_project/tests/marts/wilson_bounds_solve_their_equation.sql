-- What: each bound b of the interval satisfies (share - b)^2 = z^2 b (1 - b) / n, which defines Wilson's interval.
-- When it matters: after any change of the macro wilson_bound or of the seed method_evidence.
-- How to resolve: the formula in macros/wilson.sql is wrong, or rows were computed with another z: rebuild the marts.
with

bound as (

    select
        evidence.n_participants,
        evidence.share_below_min,
        evidence.ci_low,
        evidence.ci_high,
        method.interval_z,
        side.bound
    from {{ ref('mart_identification_evidence') }} as evidence
    inner join {{ ref('dim_method') }} as method
        on evidence.method_code = method.method_code and evidence.method_version = method.method_version
    cross join lateral (values (evidence.ci_low), (evidence.ci_high)) as side (bound)
    where {{ method_in_span('evidence.year') }} and evidence.share_below_min is not null

)

select *
from bound
where
    bound is null
    or abs(power(share_below_min - bound, 2) - power(interval_z, 2) * bound * (1 - bound) / n_participants) > 1e-9
    or ci_low > share_below_min
    or ci_high < share_below_min
