{#-
How tables that are kept by year are written. The rows go from the query straight into the table: dbt would write them
twice, first into a temporary one, of which only the columns are needed. And the rows of a year lie together: who deletes
or reads a year then touches its pages and no others; they come sorted where several years are written at once.
-#}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {%- if temporary and config.get('incremental_strategy') == 'append' -%}
        {%- if config.get('contract').enforced -%}
            {{ get_assert_columns_equivalent(sql) }}
        {%- endif -%}
        create temporary table {{ relation }} as (
            {{ sql }}
        ) with no data;
    {%- elif config.get('materialized') == 'incremental' -%}
        {{ dbt.postgres__create_table_as(temporary, relation, in_order_of_years(sql)) }}
    {%- else -%}
        {{ dbt.postgres__create_table_as(temporary, relation, sql) }}
    {%- endif -%}
{%- endmacro %}

{% macro postgres__get_incremental_append_sql(arg_dict) -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }}
    from (
        {{ in_order_of_years(model['compiled_code']) }}
    ) as of_years
{%- endmacro %}

{% macro in_order_of_years(sql) -%}
    {%- if var('years') | length != 1 and 'year' in model.columns -%}
        select * from (
            {{ sql }}
        ) as of_years
        order by year
    {%- else -%}
        {{ sql }}
    {%- endif -%}
{%- endmacro %}
