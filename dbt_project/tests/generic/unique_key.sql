{#- The columns together tell rows apart, and none of them is empty except those that `blank` names. -#}
{% test unique_key(model, columns, blank=[]) %}
select {{ columns | join(', ') }}, count(*) as n
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% for column in columns if column not in blank %} or {{ column }} is null {% endfor %}
{% endtest %}
