{#- The catalog of dbt docs with numbers of rows: counted in the marts, elsewhere as PostgreSQL last estimated. -#}
{% macro postgres__get_catalog_relations(information_schema, relations) -%}
    {%- set described = dbt.postgres__get_catalog_relations(information_schema, relations) -%}
    {%- set marts = [] -%}
    {%- for row in described.rows if row['table_schema'] == 'marts' and row['table_name'] not in marts -%}
        {%- do marts.append(row['table_name']) -%}
    {%- endfor -%}
    {%- call statement('row_counts', fetch_result=True) -%}
        with counted as (
            {% for name in marts -%}
                select '{{ name }}' as table_name, count(*) as n from marts."{{ name }}" union all
            {% endfor -%}
            select null as table_name, null as n
        ),

        relation as (
            select
                schema_of.nspname as table_schema,
                relation_of.relname as table_name,
                case
                    when schema_of.nspname = 'marts' then counted.n
                    when relation_of.relkind = 'r' and relation_of.reltuples >= 0 then cast(relation_of.reltuples as bigint)
                end as n
            from pg_catalog.pg_class as relation_of
            inner join pg_catalog.pg_namespace as schema_of on relation_of.relnamespace = schema_of.oid
            left join counted on relation_of.relname = counted.table_name
            where relation_of.relkind in ('r', 'v')
        )

        select
            table_schema,
            table_name,
            'Строк' as "stats:rows:label",
            n as "stats:rows:value",
            'Сколько строк было в день, когда записана эта страница' as "stats:rows:description",
            n is not null as "stats:rows:include"
        from relation
    {%- endcall -%}
    {%- set names = ['table_schema', 'table_name'] -%}
    {{ return(described.join(load_result('row_counts').table, names, names)) }}
{%- endmacro %}
