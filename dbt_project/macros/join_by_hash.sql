{#-
Pre-hook of a model that joins what it has computed itself: the planner takes thousands of such rows for a few and would
compare each with each. Holds to the end of the model's transaction.
-#}
{% macro join_by_hash() -%}
    {%- if execute -%}
        set local enable_nestloop = off; set local enable_mergejoin = off
    {%- endif -%}
{%- endmacro %}
