{#- Code of the region whose files are calculated, as a column: what ops.source_file says of the files in force, given
    by the program in the variable region_code. -#}
{% macro region_code() -%}
    cast('{{ var("region_code") }}' as {{ text_type() }})
{%- endmacro %}
