{#- Text to a typed value or null: never an error, because validation has already reported what does not fit. -#}

{% macro safe_int(x) -%}
    {{ return(adapter.dispatch('safe_int', 'ravenstvo')(x)) }}
{%- endmacro %}
{% macro default__safe_int(x) -%} try_cast({{ x }} as int) {%- endmacro %}
{% macro postgres__safe_int(x) -%}
    case when pg_input_is_valid({{ x }}, 'integer') then cast({{ x }} as integer) end
{%- endmacro %}

{% macro safe_numeric(x) -%}
    {{ return(adapter.dispatch('safe_numeric', 'ravenstvo')(x)) }}
{%- endmacro %}
{% macro default__safe_numeric(x) -%} try_cast({{ x }} as decimal(28, 10)) {%- endmacro %}
{#- PostgreSQL reads NaN and Infinity as numbers; a cell that starts with a letter is not one. -#}
{% macro postgres__safe_numeric(x) -%}
    case
        when pg_input_is_valid({{ x }}, 'numeric') and ltrim({{ x }}, ' +-') < 'A' then cast({{ x }} as numeric)
    end
{%- endmacro %}

{#- Dates come as 2021-06-24, 2021.06.24 or 24.06.2021. -#}
{% macro safe_date(x) -%}
    {{ return(adapter.dispatch('safe_date', 'ravenstvo')(x)) }}
{%- endmacro %}
{% macro default__safe_date(x) -%}
    case
        when {{ x }} like '____-__-__%' or {{ x }} like '____.__.__%'
            then try_cast(replace(substr({{ x }}, 1, 10), '.', '-') as date)
        when {{ x }} like '__.__.____%'
            then try_cast(
                substr({{ x }}, 7, 4) || '-' || substr({{ x }}, 4, 2) || '-' || substr({{ x }}, 1, 2) as date
            )
    end
{%- endmacro %}
{% macro postgres__safe_date(x) -%}
    case
        when {{ x }} like '____-__-__%' or {{ x }} like '____.__.__%'
            then case
                when pg_input_is_valid(replace(substr({{ x }}, 1, 10), '.', '-'), 'date')
                    then cast(replace(substr({{ x }}, 1, 10), '.', '-') as date)
            end
        when {{ x }} like '__.__.____%'
            then case
                when pg_input_is_valid(
                    substr({{ x }}, 7, 4) || '-' || substr({{ x }}, 4, 2) || '-' || substr({{ x }}, 1, 2), 'date'
                )
                    then cast(
                        substr({{ x }}, 7, 4) || '-' || substr({{ x }}, 4, 2) || '-' || substr({{ x }}, 1, 2) as date
                    )
            end
    end
{%- endmacro %}
