{#- Joins the list of values of a column of the CTE `source`: every spelling → the one value, as <column>_listed.value.
    Null for what the list does not know; «да» and «нет» are the list yes_no. -#}
{% macro join_list(column, list_name) -%}
    left join {{ ref('value_list') }} as {{ column }}_listed
        on
            {{ column }}_listed.list_name = '{{ list_name }}'
            and {{ fold('source.' ~ column) }} = {{ column }}_listed.spelling
{%- endmacro %}
