{#-
Descriptions of a relation and its columns, in one statement. Dbt's own macro asks the catalog twice for the columns of
every relation, which takes longer than building a small table. A description of a column that there is not is an error.
-#}
{% macro postgres__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set comments = [] -%}
    {%- if for_relation and config.persist_relation_docs() and model.description -%}
        {%- do comments.append(alter_relation_comment(relation, model.description) | trim | trim(';')) -%}
    {%- endif -%}
    {%- if for_columns and config.persist_column_docs() -%}
        {%- for column in model.columns.values() -%}
            {%- set name = adapter.quote(column.name) if column.quote else column.name -%}
            {%- do comments.append(
                'comment on column ' ~ relation ~ '.' ~ name ~ ' is ' ~ postgres_escape_comment(column.description)
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if comments -%}
        {%- call statement('comments') -%}
            {{ comments | join(';\n') }}
        {%- endcall -%}
    {%- endif -%}
{%- endmacro %}
