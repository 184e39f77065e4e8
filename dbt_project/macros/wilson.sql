{#- One bound of the Wilson interval of x out of n; z is the normal quantile, sign is -1 (lower) or 1 (upper).
    Null without participants or with x unknown. The bound of 0 of n and of n of n is exactly 0 and 1. -#}
{% macro wilson_bound(x, n, z, sign) -%}
    case
        when {{ x }} = {{ '0' if sign < 0 else n }} and {{ n }} > 0 then {{ '0.0' if sign < 0 else '1.0' }}
        when {{ n }} > 0
            then (
                {{ x }} + {{ z }} * {{ z }} / 2
                + ({{ sign }}) * {{ z }} * sqrt(
                    {{ x }} * (1 - cast({{ x }} as double precision) / {{ n }}) + {{ z }} * {{ z }} / 4
                )
            ) / ({{ n }} + {{ z }} * {{ z }})
    end
{%- endmacro %}

{% macro wilson_low(x, n, z) -%} {{ wilson_bound(x, n, z, -1) }} {%- endmacro %}

{% macro wilson_high(x, n, z) -%} {{ wilson_bound(x, n, z, 1) }} {%- endmacro %}
