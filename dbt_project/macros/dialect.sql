{#- What PostgreSQL and Spark write differently. Models that run on both (selector pupil) use these, cast() and what
    both know: CTEs, window functions, count(*) filter. -#}

{% macro text_type() -%}
    {{ return(adapter.dispatch('text_type', 'ravenstvo')()) }}
{%- endmacro %}
{% macro default__text_type() -%} text {%- endmacro %}
{% macro spark__text_type() -%} string {%- endmacro %}

{% macro double_type() -%}
    {{ return(adapter.dispatch('double_type', 'ravenstvo')()) }}
{%- endmacro %}
{% macro default__double_type() -%} double precision {%- endmacro %}
{% macro spark__double_type() -%} double {%- endmacro %}

{#- Every match of a pattern replaced. A backslash in a text of Spark must stand twice. -#}
{% macro replace_all(x, pattern, with_what) -%}
    {{ return(adapter.dispatch('replace_all', 'ravenstvo')(x, pattern, with_what)) }}
{%- endmacro %}
{% macro default__replace_all(x, pattern, with_what) -%}
    regexp_replace({{ x }}, '{{ pattern }}', '{{ with_what }}', 'g')
{%- endmacro %}
{% macro spark__replace_all(x, pattern, with_what) -%}
    regexp_replace({{ x }}, '{{ pattern | replace('\\', '\\\\') }}', '{{ with_what }}')
{%- endmacro %}

{#- A decimal whose mean or quotient is exact to many digits: Spark would round it to a few. -#}
{% macro exact(x) -%}
    {{ return(adapter.dispatch('exact', 'ravenstvo')(x)) }}
{%- endmacro %}
{% macro default__exact(x) -%} {{ x }} {%- endmacro %}
{% macro spark__exact(x) -%} cast({{ x }} as double) {%- endmacro %}

{#- Post-hook of all tables: sizes for the planner, which otherwise takes a new table for a large one. A small sample is
    enough for them, and costs the same whatever the years; Spark knows the sizes of its files. -#}
{% macro analyze_table() -%}
    {{ return(adapter.dispatch('analyze_table', 'ravenstvo')()) }}
{%- endmacro %}
{% macro default__analyze_table() -%}
    {%- if model.config.materialized != 'view' -%}
        set local default_statistics_target = 20; analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
{% macro spark__analyze_table() -%} {%- endmacro %}

{#- A table that is kept by year where rows can be deleted; elsewhere built as a whole. -#}
{% macro kept_by_year() -%}
    {{ return('table' if target.type == 'spark' else 'incremental') }}
{%- endmacro %}
