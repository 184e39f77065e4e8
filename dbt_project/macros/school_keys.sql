{#- Whether a row of int_school_key is about a campaign year; a bound that is not known holds nothing back. -#}
{% macro key_holds(key, year) -%}
    coalesce({{ year }} >= {{ key }}.year_from, true) and coalesce({{ year }} <= {{ key }}.year_to, true)
{%- endmacro %}

{#- First campaign year of a key that is valid from a date: the first whose day (var key_day) is not before it. -#}
{% macro first_key_year(valid_from) -%}
    cast(
        extract(year from {{ valid_from }})
        + case when to_char({{ valid_from }}, 'MM-DD') > '{{ var("key_day") }}' then 1 else 0 end as integer
    )
{%- endmacro %}

{#- Last campaign year of a key that is valid until a date. -#}
{% macro last_key_year(valid_to) -%}
    cast(
        extract(year from {{ valid_to }})
        - case when to_char({{ valid_to }}, 'MM-DD') < '{{ var("key_day") }}' then 1 else 0 end as integer
    )
{%- endmacro %}

{#- Columns of the sources by which a row names a school: source, kind of key, column, and what the row says of the
    school beside it (name, municipality). The two registers that say which keys there are name themselves. -#}
{% macro school_key_uses() -%}
    {%- set uses = [] -%}
    {%- for source, columns in school_key_columns() if source not in ('school', 'school_login') -%}
        {%- if source == 'school_context' -%}
            {%- do uses.append((source, 'code', 'school_code', 'school_name', none)) -%}
            {%- do uses.append((source, 'login', 'school_login', 'school_name', none)) -%}
        {%- elif columns == ['school_login'] -%}
            {%- do uses.append((source, 'login', 'school_login', 'school_name', 'municipality')) -%}
        {%- else -%}
            {%- do uses.append((source, 'code', 'school_code', none, none)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do uses.append(('agreement', 'code', 'partner_code', 'partner_name', none)) -%}
    {%- do uses.append(('school', 'code', 'successor_code', none, none)) -%}
    {%- do uses.append(('ege_school_summary', 'name', 'school_name', 'school_name', 'municipality')) -%}
    {{ return(uses) }}
{%- endmacro %}

{#- Pre-hook of int_key_use: forgets the parts that are counted anew and those that are no longer in force. -#}
{% macro forget_key_uses() -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where
            {{ in_parts('part_id') }}
            or part_id not in (
                select part_id from {{ source('ops', 'source_part') }} where in_force and status = 'landed'
            )
    {%- endif -%}
{%- endmacro %}

{#- One spelling of a key of a kind, as decisions are kept by. -#}
{% macro fold_key(key_kind, key) -%}
    case {{ key_kind }}
        when 'code' then {{ school_code(key) }}
        when 'login' then {{ lower_ru(key) }}
        else {{ fold_name(key) }}
    end
{%- endmacro %}

{#- Ways through successors, step by step: predecessor_id, school_id and successor_id of the last step, n_steps,
    is_circle (the way has come back to a school of its own). A way ends there, so no circle is endless. -#}
{% macro succession_ways(direct) -%}
    with recursive step as (
        select
            predecessor_id,
            predecessor_id as school_id,
            successor_id,
            1 as n_steps,
            array[predecessor_id] as passed,
            false as is_circle
        from {{ direct }}
        where successor_id is not null and coalesce(problem, '') <> 'own_successor'
        union all
        select
            step.predecessor_id,
            step.successor_id,
            next_step.successor_id,
            step.n_steps + 1,
            step.passed || step.successor_id,
            next_step.successor_id = any(step.passed || step.successor_id)
        from step
        inner join {{ direct }} as next_step
            on step.successor_id = next_step.predecessor_id
        where
            not step.is_circle
            and next_step.successor_id is not null
            and coalesce(next_step.problem, '') <> 'own_successor'
    )

    select
        predecessor_id,
        school_id,
        successor_id,
        n_steps,
        is_circle
    from step
{%- endmacro %}
