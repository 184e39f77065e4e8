{#- What the models of schema publish share; every number comes from a row of suppression_policy, named `policy`. -#}

{#- A count rounded to the base, halves up, in whole numbers. -#}
{% macro suppress_round(n, policy='policy') -%}
    cast(
        (2 * cast({{ n }} as bigint) + {{ policy }}.rounding_base) / (2 * {{ policy }}.rounding_base)
        * {{ policy }}.rounding_base as integer
    )
{%- endmacro %}

{#- Width in percentage points of the band in which a share of n is published; null below the first band. -#}
{% macro suppress_width(n, policy='policy') -%}
    (
        select cast(band.rule ->> 'percent' as integer)
        from jsonb_array_elements({{ policy }}.bands) as band (rule)
        where cast(band.rule ->> 'n_from' as integer) <= {{ n }}
        order by cast(band.rule ->> 'n_from' as integer) desc
        limit 1
    )
{%- endmacro %}

{#- Width of the widest band. -#}
{% macro suppress_widest(policy='policy') -%}
    (
        select max(cast(band.rule ->> 'percent' as integer))
        from jsonb_array_elements({{ policy }}.bands) as band (rule)
    )
{%- endmacro %}

{#- Lower end in percent of the band that holds x of n; the last band holds all of n too. In whole numbers. -#}
{% macro suppress_band_from(x, n, width) -%}
    cast(least(100 - {{ width }}, cast({{ x }} as bigint) * 100 / (cast({{ n }} as bigint) * {{ width }}) * {{ width }}) as integer)
{%- endmacro %}

{#- Of cells that add up to a published total, which are hidden? Those below min_n, and where there is one, the next
    smallest, until min_hidden of them are hidden and have min_n together: else a subtraction would give them away.
    n: size of a cell; forced: SQL that says a cell is never shown; total: columns that name the total; key: what orders
    cells of one size. -#}
{% macro suppress_hidden(n, forced, total, key, policy='policy') -%}
    (
        {{ forced }}
        or {{ n }} < {{ policy }}.min_n
        or (
            bool_or({{ forced }} or {{ n }} < {{ policy }}.min_n) over (partition by {{ total }})
            and (
                row_number() over (partition by {{ total }} order by {{ forced }} desc, {{ n }} asc, {{ key }} asc)
                <= {{ policy }}.min_hidden
                or coalesce(
                    sum({{ n }}) over (
                        partition by {{ total }} order by {{ forced }} desc, {{ n }} asc, {{ key }} asc
                        rows between unbounded preceding and 1 preceding
                    ),
                    0
                ) < {{ policy }}.min_n
            )
        )
    )
{%- endmacro %}
