-- What: every row of the seed `method` has a known kind, all the parameters that its kind needs, no other, each of the
-- right type, and names a line of `method_evidence`.
-- When it matters: when a row is added or changed; a misspelt parameter would be ignored without a word.
-- How to resolve: the column `problem` says which parameter of which method; correct it in the seed `method`, by
-- the list in the seed `method_parameter`.
{{ config(meta={'tells': true}) }}

with

method as (

    select
        method_code,
        method_version,
        kind,
        cast(parameters as jsonb) as parameters
    from {{ ref('method') }}

),

given as (

    select
        method.method_code,
        method.method_version,
        method.kind,
        parameter.name,
        jsonb_typeof(parameter.value) as json_type
    from method
    cross join lateral jsonb_each(method.parameters) as parameter (name, value)

),

wanted as (

    select
        method.method_code,
        method.method_version,
        method.parameters,
        known.parameter,
        known.json_type,
        known.is_required
    from method
    inner join {{ ref('method_parameter') }} as known on method.kind = known.kind

)

select
    method_code,
    method_version,
    'неизвестный вид правила ' || kind as problem
from method
where kind not in (select kind from {{ ref('method_parameter') }})
union all
select
    given.method_code,
    given.method_version,
    'неизвестный параметр ' || given.name
from given
left join {{ ref('method_parameter') }} as known on given.kind = known.kind and given.name = known.parameter
where known.parameter is null
union all
select
    method_code,
    method_version,
    'нет параметра ' || parameter
from wanted
where is_required and coalesce(parameters -> parameter, 'null') = 'null'
union all
select
    wanted.method_code,
    wanted.method_version,
    'параметр ' || wanted.parameter || ' должен быть ' || wanted.json_type || ', а не ' || given.json_type
from wanted
inner join given
    on
        wanted.method_code = given.method_code
        and wanted.method_version = given.method_version
        and wanted.parameter = given.name
where given.json_type not in (wanted.json_type, 'null')
union all
select
    method.method_code,
    method.method_version,
    'недопустимое значение ' || allowed.name || ': ' || (method.parameters ->> allowed.name)
from method
cross join
    lateral (
        values
        ('condition', array['two_procedures', 'repeated', 'both', 'either']),
        ('attempt', array['first', 'last']),
        ('partial_counts', array['false'])
    ) as allowed (name, words)
where method.parameters ? allowed.name and not method.parameters ->> allowed.name = any(allowed.words)
union all
select
    method.method_code,
    method.method_version,
    'нет мерок надёжности ' || (method.parameters ->> 'evidence_code')
from method
where
    method.parameters ? 'evidence_code'
    and method.parameters ->> 'evidence_code' not in (select evidence_code from {{ ref('method_evidence') }})
union all
select
    method.method_code,
    method.method_version,
    'нет базового метода ' || (method.parameters ->> 'base_method')
from method
where
    method.parameters ? 'base_method'
    and method.parameters ->> 'base_method' not in (select base.method_code from {{ ref('method') }} as base)
