-- Conditions of a school as numbers, by the rules of context_input: the marts show them, the index is made of them.
{{ config(materialized='table') }}

with

input as (

    select
        *,
        case when numerator like '%|%' then '|' else '+' end as numerator_joint,
        case when denominator like '%|%' then '|' else '+' end as denominator_joint
    from {{ ref('context_input') }}

),

-- Which columns each side of an input adds up, and whether all of them are needed.
part as (

    select
        input.input_code,
        side.name as side,
        said.column_name,
        side.joint = '+' as needs_all,
        count(*) over (partition by input.input_code, side.name) as n_parts
    from input
    cross join
        lateral (
            values
            ('numerator', input.numerator, input.numerator_joint),
            ('denominator', input.denominator, input.denominator_joint)
        ) as side (name, columns, joint)
    cross join lateral string_to_table(side.columns, side.joint) as said (column_name)
    where input.measure <> 'code'

),

form as (

    select * from {{ ref('int_school_context') }}
    where {{ method_in_span('year') }}

),

-- Every filled cell of every form as a row: which of them matter is said by the seed and not here.
cell as (

    select
        form.year,
        form.school_id,
        form.preference,
        filled.column_name,
        filled.said
    from form
    cross join lateral jsonb_each_text(to_jsonb(form)) as filled (column_name, said)
    where filled.said is not null

),

added as (

    select
        cell.year,
        cell.school_id,
        cell.preference,
        part.input_code,
        part.side,
        sum(cast(cell.said as numeric)) as total
    from cell
    inner join part on cell.column_name = part.column_name
    group by cell.year, cell.school_id, cell.preference, part.input_code, part.side, part.needs_all, part.n_parts
    having not part.needs_all or count(*) = part.n_parts

),

measured as (

    select
        numerator.year,
        numerator.school_id,
        numerator.preference,
        numerator.input_code,
        case input.measure
            when 'number' then cast(numerator.total as double precision)
            when 'percent' then cast(numerator.total as double precision) / 100
            -- A part larger than the whole is a broken cell, not a number.
            when 'share'
                then
                    case
                        when numerator.total <= denominator.total
                            then
                                cast(numerator.total as double precision)
                                / nullif(cast(denominator.total as double precision), 0)
                    end
        end as value
    from added as numerator
    inner join input on numerator.input_code = input.input_code
    left join added as denominator
        on
            numerator.year = denominator.year
            and numerator.school_id = denominator.school_id
            and numerator.preference = denominator.preference
            and numerator.input_code = denominator.input_code
            and denominator.side = 'denominator'
    where numerator.side = 'numerator' and numerator.total >= 0

),

answered as (

    select
        cell.year,
        cell.school_id,
        cell.preference,
        cell.column_name,
        code.code
    from cell
    inner join {{ ref('context_code') }} as code
        on cell.column_name = code.column_name and {{ fold_answer('cell.said') }} = code.spelling

),

-- A question that was not asked, because another answer says the same.
not_asked as (

    select
        answered.year,
        answered.school_id,
        answered.preference,
        code.column_name,
        code.code
    from answered
    inner join {{ ref('context_code') }} as code
        on
            answered.column_name = code.blank_if_column
            and answered.code >= code.blank_if_code_from
    where
        not exists (
            select 1
            from cell
            where
                cell.year = answered.year
                and cell.school_id = answered.school_id
                and cell.preference = answered.preference
                and cell.column_name = code.column_name
        )

),

coded as (

    select * from answered
    union all
    select * from not_asked

),

valued as (

    select
        coded.year,
        coded.school_id,
        coded.preference,
        input.input_code,
        cast(coded.code as double precision) as value
    from coded
    inner join input on coded.column_name = input.numerator and input.measure = 'code'
    union all
    select * from measured
    where value is not null

)

-- Numerator and denominator are of one form; of two forms that both give the value, the later is right.
select distinct on (year, school_id, input_code)
    year,
    school_id,
    input_code,
    value
from valued
order by year asc, school_id asc, input_code asc, preference asc
