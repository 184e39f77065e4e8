{#- The catalogue calls every array type ARRAY, which is no type to cast to: without this, dbt cannot put an array into
    the made-up rows of a unit test. All arrays of this project hold text. -#}
{% macro postgres__safe_cast(field, type) -%}
    cast({{ field }} as {{ 'text []' if type == 'ARRAY' else type }})
{%- endmacro %}
