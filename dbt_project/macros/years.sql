{#- Campaign years to recalculate as a SQL condition on a column; no list means every year. -#}
{% macro in_years(column) -%}
    {%- set years = var('years') or [] -%}
    {%- if years -%}
        {{ column }} in ({{ years | map('int') | join(', ') }})
    {%- else -%}
        {{ column }} is not null
    {%- endif -%}
{%- endmacro %}

{#- Rows of the years to recalculate, and rows without a year: what is kept by year computes these anew. -#}
{% macro of_years(column) -%}
    ({{ in_years(column) }} or {{ column }} is null)
{%- endmacro %}

{#- Is a row of landing in a part of the years to recalculate? The program gives the parts in the variable parts, so
    that the rows of other years are not even read; a part holds rows of one year. No list: whatever part. -#}
{% macro in_parts(column) -%}
    {%- set parts = var('parts') -%}
    {%- if parts -%}
        {{ column }} in ({{ parts | map('int') | join(', ') }})
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

{#- The same for models that compute rows without a year anew each time. -#}
{% macro clear_of_years() -%}
    {%- if is_incremental() -%}
        delete from {{ this }} where {{ of_years('year') }}
    {%- endif -%}
{%- endmacro %}

{#- The day of a moment by the clocks of the centre, whatever the session's time zone. -#}
{% macro day_here(column) -%}
    cast({{ column }} at time zone '{{ var("time_zone") }}' as date)
{%- endmacro %}
