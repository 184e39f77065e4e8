{#- A value in the words of its indicator's unit: a share in per cent, a difference of shares in points, yes or no. -#}
{% macro told_value(value, unit) -%}
    case
        when {{ value }} is null then null
        when {{ unit }} = 'доля' then {{ told_number(value ~ ' * 100', 1) }} || ' %'
        when {{ unit }} = 'разность долей' then {{ told_sign(value) }} || {{ told_number('abs(' ~ value ~ ') * 100', 1) }} || ' п. п.'
        when {{ unit }} = 'ст. откл.' then {{ told_sign(value) }} || {{ told_number('abs(' ~ value ~ ')', 2) }}
        when {{ unit }} = 'да/нет' then case when {{ value }} >= 1 then 'да' else 'нет' end
        else {{ told_number(value, 2) }}
    end
{%- endmacro %}

{#- Rounded, without idle noughts, with a comma. -#}
{% macro told_number(value, digits) -%}
    replace(cast(cast(round(cast({{ value }} as numeric), {{ digits }}) as double precision) as text), '.', ',')
{%- endmacro %}

{% macro told_sign(value) -%}
    case when {{ value }} > 0 then '+' when {{ value }} < 0 then '−' else '' end
{%- endmacro %}

{#- «7 из 8»; the numerator alone where there is nothing to be part of. -#}
{% macro told_part(numerator, denominator) -%}
    {{ told_number(numerator, 2) }} || coalesce(' из ' || {{ told_number(denominator, 2) }}, '')
{%- endmacro %}
