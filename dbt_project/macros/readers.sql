{#-
Readers of one municipality (role municipality_reader). The rule of a mart's rows is given by the program in the
variable row_rules: SQL by the mart's name, an empty text for a mart that they may not read; see ravenstvo/sight.py.
A mart without a rule, such as one built by hand, is not opened to them.
-#}

{#- Post-hook of the marts: a table that was built anew comes without rules, so they are set in its own transaction. -#}
{% macro guard_rows() -%}
    {%- set rules = var('row_rules') -%}
    {%- if execute and this.schema == 'marts' and this.identifier in rules -%}
        {%- set rule = rules[this.identifier] -%}
        do $guard$
        begin
            if to_regrole('municipality_reader') is null or to_regrole('bi_reader') is null then
                return;
            end if;
            {% if model.config.materialized == 'view' -%}
                alter view {{ this }} set (security_barrier = true);
            {%- else -%}
                alter table {{ this }} enable row level security;
                drop policy if exists every_row on {{ this }};
                create policy every_row on {{ this }} for select to bi_reader using (true);
                drop policy if exists own_municipality on {{ this }};
                create policy own_municipality on {{ this }} for select to municipality_reader
                using ({{ rule or 'false' }});
            {%- endif %}
            {% if rule -%}
                grant select on {{ this }} to municipality_reader;
            {%- else -%}
                revoke select on {{ this }} from municipality_reader;
            {%- endif %}
        end $guard$
    {%- endif -%}
{%- endmacro %}

{#- Rows of a view have no rules of their own: the condition is a part of it. -#}
{% macro postgres__create_view_as(relation, sql) -%}
    {%- set rule = var('row_rules').get(this.identifier) if this.schema == 'marts' else none -%}
    {%- if rule -%}
        {%- set guarded -%}
            select * from (
                {{ sql }}
            ) as guarded
            where (select sees_all from ops.reader_scope) or {{ rule }}
        {%- endset -%}
        {{ default__create_view_as(relation, guarded) }}
    {%- else -%}
        {{ default__create_view_as(relation, sql) }}
    {%- endif -%}
{%- endmacro %}
