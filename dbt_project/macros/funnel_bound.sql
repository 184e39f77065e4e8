{#- Between which shares a school of n participants is expected if its true share is the region's: the region's share
    and z standard errors of n participants, cut at 0 and 1. The same as asking whether the region's share lies in the Wilson
    interval of the school. sign is -1 (lower) or 1 (upper). Null without participants. -#}
{% macro funnel_bound(share, n, z, sign) -%}
    least(
        1.0,
        greatest(0.0, {{ share }} + ({{ sign }}) * {{ z }} * sqrt({{ share }} * (1 - {{ share }}) / nullif({{ n }}, 0)))
    )
{%- endmacro %}
