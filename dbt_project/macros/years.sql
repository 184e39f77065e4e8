{#- Campaign years to recalculate as a SQL condition on a column; no list means every year. -#}
{% macro in_years(column) -%}
    {%- set years = var('years') or [] -%}
    {%- if years -%}
        {{ column }} in ({{ years | map('int') | join(', ') }})
    {%- else -%}
        {{ column }} is not null
    {%- endif -%}
{%- endmacro %}

{#- Pre-hook of models kept by year: clears the years that this run writes, also those that now have no rows at all. -#}
{% macro clear_years() -%}
    {%- if is_incremental() -%}
        delete from {{ this }} where {{ in_years('year') }}
    {%- endif -%}
{%- endmacro %}

{#- The day of a moment by the clocks of the centre, whatever the session's time zone. -#}
{% macro day_here(column) -%}
    cast({{ column }} at time zone '{{ var("time_zone") }}' as date)
{%- endmacro %}
