create table ops.mart_year_hash (
  mart text not null,
  year int,
  made_of text not null,
  n_rows bigint not null,
  sum_0 numeric not null,
  sum_1 numeric not null,
  unique nulls not distinct (mart, year)
);
comment on table ops.mart_year_hash is 'Слагаемые отпечатков витрин по годам: годы, которых расчёт не касался, заново не читаются';
comment on column ops.mart_year_hash.mart is 'Витрина';
comment on column ops.mart_year_hash.year is 'Год кампании; пусто — строки без года';
comment on column ops.mart_year_hash.made_of is 'Таблицы и столбцы, из которых она сделана: у построенной заново другие';
comment on column ops.mart_year_hash.n_rows is 'Строк';
comment on column ops.mart_year_hash.sum_0 is 'Сумма отпечатков строк';
comment on column ops.mart_year_hash.sum_1 is 'Сумма вторых отпечатков строк';

create table ops.unhashed_year (
  year int primary key
);
comment on table ops.unhashed_year is 'Годы, строки которых с последнего отпечатка могли измениться: расчёт начат и не закончен';
comment on column ops.unhashed_year.year is 'Год кампании';

-- What is kept of a year is found without reading the other years.
create index history_identification_year on core.history_identification (year, calculation_id);
create index history_evidence_year on core.history_evidence (year, calculation_id);
