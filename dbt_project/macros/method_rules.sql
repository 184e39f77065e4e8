{#- The rules of kind `low_share`, written once. Every number comes from a row of dim_method. -#}

{#- Is a procedure low? Integers only: 3 of 10 meets the threshold 3/10, 2 of 7 does not.
    Unknown minimum (n_below null), nobody taking part, or too few for the method: not low. -#}
{% macro method_is_low(n_below, n_participants, method='method') -%}
    coalesce(
        {{ n_participants }} > 0
        and {{ n_participants }} >= coalesce({{ method }}.min_participants, 0)
        and cast({{ n_below }} as bigint) * {{ method }}.threshold_denominator
        >= cast({{ method }}.threshold_numerator as bigint) * {{ n_participants }},
        false
    )
{%- endmacro %}

{#- Does the method leave a result out for the markers (text array or null) that flag it? -#}
{% macro method_excludes(markers, method='method') -%}
    {{ method }}.exclude_flagged
        and {{ markers }} is not null
        and (
            {{ method }}.excluded_markers is null
            or exists (
                select 1 from unnest({{ markers }}) as flag (marker) where {{ method }}.excluded_markers ? flag.marker
            )
        )
{%- endmacro %}

{#- The verdict from the two conditions. A condition that cannot be known is null, and the verdict is null
    exactly when the known condition does not settle it. -#}
{% macro method_verdict(two_procedures, repeated, method='method') -%}
    case {{ method }}.condition
        when 'two_procedures' then {{ two_procedures }}
        when 'repeated' then {{ repeated }}
        when 'both' then {{ two_procedures }} and {{ repeated }}
        when 'either' then {{ two_procedures }} or {{ repeated }}
    end
{%- endmacro %}

{#- Does a place (from 1, equals share one) belong to the first numerator/denominator of n? It does when less than that
    part of n stands before it: equals stay together, and no school is cut off by chance. Null without a place. -#}
{% macro method_in_part(place, n, numerator, denominator) -%}
    ({{ place }} - 1) * {{ denominator }} < {{ numerator }} * {{ n }}
{%- endmacro %}

{#- Years that the identification marts compute: every year from the first to the last of var `years`. A year between
    them rests on the years before it (the same procedure low again, years in a row), so it cannot stay as it was.
    No list: every year. -#}
{% macro method_in_span(year) -%}
    {%- set years = (var('years') or []) | map('int') | list -%}
    {%- if years -%}
        {{ year }} between {{ years | min }} and {{ years | max }}
    {%- else -%}
        {{ year }} is not null
    {%- endif -%}
{%- endmacro %}

{#- The same years and as many before them: what a comparison looks back on. One range, so that an index finds it. -#}
{% macro method_in_span_and_before(year, years_back) -%}
    {%- set years = (var('years') or []) | map('int') | list -%}
    {%- if years -%}
        {{ year }} between {{ years | min }} - {{ years_back }} and {{ years | max }}
    {%- else -%}
        {{ year }} is not null
    {%- endif -%}
{%- endmacro %}

{#- Pre-hook: clears the years about to be written, also those that now have no rows at all. -#}
{% macro method_clear_span() -%}
    {%- if is_incremental() -%}
        delete from {{ this }} where {{ method_in_span('year') }}
    {%- endif -%}
{%- endmacro %}

{#- Years before those that the identification marts compute. -#}
{% macro method_before_span(year) -%}
    {%- set years = (var('years') or []) | map('int') | list -%}
    {%- if years -%}
        {{ year }} < {{ years | min }}
    {%- else -%}
        {{ year }} is null
    {%- endif -%}
{%- endmacro %}
