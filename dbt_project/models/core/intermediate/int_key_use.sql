{#-
    How rows of the files in force name a school: what stands there, how often, and what the row says of the school
    beside it. Rows that a critical finding rejects are here too: a school that is not known is a reason to reject.
    Rows of a part never change: parts of other years stay as they were counted.
-#}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ forget_key_uses() }}"
) }}

with part as (
    select
        part_id,
        year
    from {{ source('ops', 'source_part') }}
    where in_force and status = 'landed'
),

named as (
    {% for source_name, key_kind, column, name_column, municipality_column in school_key_uses() %}
        select
            '{{ source_name }}' as source,
            '{{ column }}' as column_name,
            landed.part_id,
            '{{ key_kind }}' as key_kind,
            {{ school_code('landed.' ~ column) if key_kind == 'code' else 'landed.' ~ column }} as school_key,
            {{ 'landed.municipality' if key_kind == 'name' else "''" }} as municipality,
            {{ 'max(landed.' ~ name_column ~ ')' if name_column else 'cast(null as text)' }} as school_name,
            {{ 'max(landed.' ~ municipality_column ~ ')' if municipality_column else 'cast(null as text)' }}
                as school_municipality,
            count(*) as n_rows
        from {{ source('landing', source_name) }} as landed
        where
            landed.{{ column }} is not null
            and {{ in_parts('landed.part_id') }}
            {%- if key_kind == 'name' %}
                and landed.municipality is not null
            {%- endif %}
            {%- if source_name == 'school_context' and key_kind == 'login' %}
                and landed.school_code is null
            {%- endif %}
        group by
            landed.part_id, landed.{{ column }}{{ ', landed.municipality' if key_kind == 'name' else '' }}
        union all
    {% endfor %}
    select
        cast(null as text) as source,
        cast(null as text) as column_name,
        cast(null as bigint) as part_id,
        cast(null as text) as key_kind,
        cast(null as text) as school_key,
        cast(null as text) as municipality,
        cast(null as text) as school_name,
        cast(null as text) as school_municipality,
        cast(null as bigint) as n_rows
    where false
)

select
    named.source,
    named.column_name,
    named.part_id,
    part.year,
    named.key_kind,
    named.school_key,
    named.municipality,
    {{ fold_key('named.key_kind', 'named.school_key') }} as key_folded,
    {{ fold_name('named.municipality') }} as municipality_folded,
    named.school_name,
    named.school_municipality,
    cast(named.n_rows as integer) as n_rows
from named
inner join part
    on named.part_id = part.part_id
-- What is no code at all is for the sender to correct; several successors in one cell are told apart elsewhere.
where named.key_kind <> 'code' or named.school_key ~ '^[0-9]{6}$'
