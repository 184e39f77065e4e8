{#-
Tables and views that are made anew by every calculation: plain statements put the new one in the place of the old one, in
one transaction. Dbt renames and drops through its adapter, whose calls cost more processor time than what they ask for.
-#}
{% materialization table, adapter='postgres' -%}
    {{ return(made_anew('table')) }}
{%- endmaterialization %}

{% materialization view, adapter='postgres' -%}
    {{ return(made_anew('view')) }}
{%- endmaterialization %}

{% macro made_anew(kind) -%}
    {%- set old = load_cached_relation(this) -%}
    {%- set new = this.incorporate(type=kind) -%}
    {%- set drop_old -%}
        drop {{ kind if old is none else old.type }} if exists {{ new }} cascade
    {%- endset -%}

    {%- do run_hooks(pre_hooks, inside_transaction=False) -%}
    {%- do run_hooks(pre_hooks, inside_transaction=True) -%}
    {%- if kind == 'view' -%}
        {%- call statement('main') -%}
            {{ drop_old }};
            {{ get_create_view_as_sql(new, sql) }}
        {%- endcall -%}
    {%- else -%}
        {#- The old table can be read until the new one is whole. -#}
        {%- set made = make_intermediate_relation(new) -%}
        {%- do drop_relation_if_exists(load_cached_relation(made)) -%}
        {%- call statement('main') -%}
            {{ get_create_table_as_sql(False, made, sql) }}
        {%- endcall -%}
        {%- do create_indexes(made) -%}
        {%- call statement('replace') -%}
            {{ drop_old }};
            alter table {{ made }} rename to {{ adapter.quote(new.identifier) }}
        {%- endcall -%}
    {%- endif -%}
    {%- do run_hooks(post_hooks, inside_transaction=True) -%}
    {%- do apply_grants(new, config.get('grants'), should_revoke=False) -%}
    {%- do persist_docs(new, model) -%}
    {%- do adapter.commit() -%}
    {%- do run_hooks(post_hooks, inside_transaction=False) -%}

    {{ return({'relations': [new]}) }}
{%- endmacro %}
