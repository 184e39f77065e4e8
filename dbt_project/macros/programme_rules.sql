{#- What the measures of programmes share. -#}

{#- The last year that programmes are computed for: of the calculation, or without one the last that is known. -#}
{% macro programme_last_year(known) -%}
    {%- set years = (var('years') or []) | map('int') | list -%}
    {%- if years -%} {{ years | max }} {%- else -%} {{ known }} {%- endif -%}
{%- endmacro %}

{#- Territory of a row of `group by {{ territory_sets(...) }}`: the region, a municipality or a school. -#}
{% macro territory_kind() -%}
    case
        when grouping(school_code) = 0 then 'school'
        when grouping(municipality_code) = 0 then 'municipality'
        else 'region'
    end
{%- endmacro %}

{% macro territory_code() -%}
    case
        when grouping(school_code) = 0 then school_code
        when grouping(municipality_code) = 0 then municipality_code
        else 'region'
    end
{%- endmacro %}

{#- Sums of the region, of each municipality and of each school at once. -#}
{% macro territory_sets(keys) -%}
    grouping sets (
        ({{ keys }}),
        ({{ keys }}, municipality_code),
        ({{ keys }}, municipality_code, school_code)
    )
{%- endmacro %}

{#- Key of a measure's row. -#}
{% macro measure_key() -%} year, programme_code, indicator_code, version, period {%- endmacro %}
