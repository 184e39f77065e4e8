{#- Seeds on Spark: dbt-spark leaves quotes and blanks of a text as they are, and knows no type «text». -#}
{% macro spark_type(type) -%}
    {%- set other = {
        'text': 'string', 'jsonb': 'string', 'double precision': 'double', 'numeric': 'decimal(28, 10)'
    } -%}
    {{ return(other.get(type, type)) }}
{%- endmacro %}

{% macro spark__create_csv_table(model, agate_table) -%}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set sql -%}
        create table {{ this.render() }} (
            {%- for name in agate_table.column_names %}
                {{ name }} {{ spark_type(types[name]) }}{{ ',' if not loop.last }}
            {%- endfor %}
        ) using parquet
    {%- endset -%}
    {%- call statement('_') -%} {{ sql }} {%- endcall -%}
    {{ return(sql) }}
{%- endmacro %}

{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set sql -%}
        insert into {{ this.render() }} values
        {%- for row in agate_table.rows %}
            (
                {%- for name in agate_table.column_names -%}
                    {%- set value = row[name] -%}
                    {%- if value is none -%}
                        null
                    {%- else -%}
                        cast('{{ value | string | replace('\\', '\\\\') | replace("'", "\\'") }}' as {{ spark_type(types[name]) }})
                    {%- endif -%}
                    {{ ', ' if not loop.last }}
                {%- endfor -%}
            ){{ ',' if not loop.last }}
        {%- endfor %}
    {%- endset -%}
    {%- call statement('_') -%} {{ sql }} {%- endcall -%}
    {{ return(sql) }}
{%- endmacro %}
