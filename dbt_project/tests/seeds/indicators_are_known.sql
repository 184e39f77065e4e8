-- What: every row of the seed `indicator` belongs to a programme, has a measure that the calculation knows, all the
-- parameters that it needs, no other, each of the right type and with known words; a target with a comparator; periods
-- and terms that its measure can use; and what it names (items, places, values of lists, other indicators) exists.
-- When it matters: when a row is added or changed; a misspelt word would give «not met» or «no data» without a word.
-- How to resolve: the column `problem` says what is wrong with which indicator; correct it in the seed `indicator`, by
-- the list in the seed `indicator_parameter`.
{{ config(meta={'tells': true}) }}

with

indicator as (

    select
        programme_code,
        indicator_code || coalesce(version, '') as indicator,
        indicator_code,
        section,
        unit,
        target,
        comparator,
        string_to_array(replace(period, ' ', ''), ',') as period_kinds,
        measure,
        parameters,
        due_from,
        due_to
    from {{ ref('indicator') }}

),

known as (

    select * from {{ ref('indicator_parameter') }}

),

-- Conditions on facts have parameters of their own.
filter as (

    select
        indicator.programme_code,
        indicator.indicator,
        indicator.period_kinds,
        indicator.due_from,
        part.spec
    from indicator
    cross join lateral jsonb_each(indicator.parameters) as parameter (name, value)
    cross join
        lateral jsonb_array_elements(
            case jsonb_typeof(parameter.value) when 'array' then parameter.value else '[]' end
        ) as part (spec)
    where parameter.name in ('numerator', 'denominator', 'among') and jsonb_typeof(part.spec) = 'object'

),

described as (

    select
        programme_code,
        indicator,
        measure,
        parameters
    from indicator
    union all
    select
        programme_code,
        indicator,
        'filter',
        spec
    from filter

),

given as (

    select
        described.programme_code,
        described.indicator,
        described.measure,
        parameter.name,
        parameter.value,
        jsonb_typeof(parameter.value) as json_type
    from described
    cross join lateral jsonb_each(described.parameters) as parameter (name, value)

),

word as (

    select
        given.programme_code,
        given.indicator,
        given.measure,
        given.name,
        said.word
    from given
    cross join
        lateral jsonb_array_elements(
            case given.json_type when 'array' then given.value else jsonb_build_array(given.value) end
        ) as said (word)

),

value as (

    select distinct value from {{ ref('value_list') }}

),

item as (

    select * from {{ ref('programme_plan_item') }}

),

problem as (

    select
        programme_code,
        indicator,
        'неизвестное измерение ' || measure as problem
    from described
    where measure not in (select known.measure from known)
    union all
    select
        given.programme_code,
        given.indicator,
        'неизвестный параметр ' || given.name
    from given
    left join known on given.measure = known.measure and given.name = known.parameter
    where known.parameter is null
    union all
    select
        described.programme_code,
        described.indicator,
        'нет параметра ' || known.parameter
    from described
    inner join known on described.measure = known.measure
    where known.is_required and coalesce(described.parameters -> known.parameter, 'null') = 'null'
    union all
    select
        given.programme_code,
        given.indicator,
        'параметр ' || given.name || ' должен быть ' || known.json_type || ', а не ' || given.json_type
    from given
    inner join known on given.measure = known.measure and given.name = known.parameter
    where not given.json_type = any(string_to_array(known.json_type, '|'))
    union all
    select
        word.programme_code,
        word.indicator,
        'недопустимое значение ' || word.name || ': ' || (word.word #>> '{}')
    from word
    inner join known on word.measure = known.measure and word.name = known.parameter
    where jsonb_typeof(word.word) <> 'object' and not known.words @> word.word
    union all
    -- Aspects of a self-assessment and what people answer in it are not in any list.
    select
        word.programme_code,
        word.indicator,
        'нет в списках value_list: ' || (word.word #>> '{}')
    from word
    where
        word.name in ('kinds', 'levels', 'positions', 'categories')
        and word.word #>> '{}' not in (select value.value from value)
        -- Items of a road map are known by their codes.
        and word.word #>> '{}' not in (select item.item_code from item)
        and not exists (
            select 1 from filter
            where
                filter.indicator = word.indicator
                and filter.programme_code = word.programme_code
                and filter.spec ->> 'fact' = 'self_assessment'
        )
    union all
    select
        programme_code,
        indicator,
        'недопустимое значение min: ' || (parameters ->> 'min')
    from indicator
    where jsonb_typeof(parameters -> 'min') = 'string' and parameters ->> 'min' <> 'pd_required'
    union all
    select
        programme_code,
        indicator,
        'all_sources без not_applicable'
    from indicator
    where parameters -> 'numerator' ? 'all_sources' and not parameters ? 'not_applicable'
    union all
    select
        programme_code,
        indicator,
        'нужен younger_than или categories'
    from indicator
    where measure = 'roster_share' and not parameters ?| array['younger_than', 'categories']
    union all
    select
        programme_code,
        indicator,
        'нужен exactly или at_least'
    from indicator
    where measure = 'listed_municipalities' and not parameters ?| array['exactly', 'at_least']
    union all
    select
        programme_code,
        indicator,
        'неизвестная программа ' || programme_code
    from indicator
    where programme_code not in (select programme.programme_code from {{ ref('programme') }} as programme)
    union all
    select
        programme_code,
        indicator,
        'цель и сравнение не согласованы'
    from indicator
    where
        (target is null) <> (comparator is null)
        or comparator not in ('>=', '<=', '=', '>', '<')
        or (unit = 'доля' and target not between 0 and 1)
        or (unit = 'да/нет' and target <> 1)
    union all
    select
        programme_code,
        indicator,
        'неизвестный период'
    from indicator
    where
        not period_kinds <@ array['year', 'quarter', 'stage', 'programme']
        or cardinality(coalesce(period_kinds, '{}')) = 0
    union all
    -- The schools of a programme are known at the end of a year, a stage or the whole, not of a quarter.
    select
        programme_code,
        indicator,
        'измерение ' || measure || ' по кварталам не считается'
    from indicator
    where
        'quarter' = any(period_kinds)
        and measure not in ('frequency', 'plan_share', 'fact_count', 'fact_share', 'milestone', 'seminar')
    union all
    select
        programme_code,
        indicator,
        'множества школ по кварталам неизвестны'
    from filter
    where 'quarter' = any(period_kinds) and spec ? 'schools'
    union all
    select
        programme_code,
        indicator,
        'начало срока действует только с when = by'
    from filter
    where due_from is not null and spec ->> 'when' is distinct from 'by'
    union all
    select
        programme_code,
        indicator,
        'срок кончается раньше, чем начинается'
    from indicator
    where due_from > due_to
    union all
    select
        programme_code,
        indicator,
        'нет пункта ' || (parameters ->> 'item') || ' в programme_plan_item'
    from indicator
    where
        measure = 'frequency'
        and not exists (
            select 1 from item
            where item.programme_code = indicator.programme_code and item.item_code = indicator.parameters ->> 'item'
        )
    union all
    select
        programme_code,
        indicator,
        'пункта дорожной карты нет в programme_plan_item'
    from indicator
    where
        section = 'road_map'
        and not exists (
            select 1 from item
            where item.programme_code = indicator.programme_code and item.indicator_code = indicator.indicator_code
        )
    union all
    select
        programme_code,
        indicator,
        'неизвестный раздел ' || section
    from indicator
    where section not in ('indicator', 'road_map')
    union all
    select
        programme_code,
        indicator,
        'нет места ' || (parameters ->> 'place') || ' в programme_place'
    from indicator
    where
        measure = 'named_share'
        and not exists (
            select 1 from {{ ref('programme_place') }} as place
            where
                place.programme_code = indicator.programme_code
                and place.place_kind = 'item'
                and place.indicator_code = indicator.parameters ->> 'place'
        )
    union all
    select
        word.programme_code,
        word.indicator,
        'нет показателя ' || (word.word #>> '{}')
    from word
    where
        word.measure = 'group'
        and not exists (
            select 1 from indicator
            where
                indicator.programme_code = word.programme_code
                and indicator.indicator_code = word.word #>> '{}'
        )
    union all
    select
        programme_code,
        item_code,
        'код пункта — цифры, точки и строчные латинские буквы'
    from item
    where item_code !~ '^[0-9a-z.]+$'
    union all
    select
        programme_code,
        item_code,
        'у номера, который стоит дважды, нет слов названия'
    from item
    where
        name_pattern is null
        and (
            select count(*) from item as same
            where same.programme_code = item.programme_code and same.item_no = item.item_no
        ) > 1

)

select distinct * from problem
