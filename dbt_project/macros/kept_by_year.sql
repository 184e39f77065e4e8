{#-
Tables that are kept by year hold the rows of a year together: who deletes or reads a year then touches its pages and no
others. The rows come sorted where several years are written at once.
-#}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {%- set is_kept = not temporary and config.get('materialized') == 'incremental' and 'year' in model.columns -%}
    {%- if is_kept and var('years') | length != 1 -%}
        {%- set sorted -%}
            select * from (
                {{ sql }}
            ) as of_years
            order by year
        {%- endset -%}
        {{ dbt.postgres__create_table_as(temporary, relation, sorted) }}
    {%- else -%}
        {{ dbt.postgres__create_table_as(temporary, relation, sql) }}
    {%- endif -%}
{%- endmacro %}

{% macro postgres__get_incremental_append_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict['temp_relation'] }}
    {%- if var('years') | length != 1 and 'year' in arg_dict['dest_columns'] | map(attribute='name') | list %}
    order by year
    {%- endif %}
{%- endmacro %}
