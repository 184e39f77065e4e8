-- Which file came later and which calculation is the last must not depend on a clock that somebody moved back: a
-- moment is later than every one noted before it.
create function ops.moment() returns timestamptz language sql volatile as $$
  select greatest(clock_timestamp(), max(noted.at) + interval '1 microsecond')
  from (
    select max(greatest(started_at, finished_at)) from ops.calculation
    union all select max(first_seen_at) from ops.source_file
    union all select max(greatest(landed_at, validated_at)) from ops.source_part
    union all select max(found_at) from ops.file_problem
    union all select max(approved_at) from ops.publication
    union all select max(greatest(withdrawn_at, undone_at)) from ops.withdrawal
    union all select max(decided_at) from ops.school_decision
  ) as noted (at)
$$;
comment on function ops.moment() is 'Сейчас, но всегда позже всего, что уже записано: часы могли перевести назад';

alter table ops.source_file alter column first_seen_at set default ops.moment();
alter table ops.file_problem alter column found_at set default ops.moment();
alter table ops.calculation alter column started_at set default ops.moment();
alter table ops.publication alter column approved_at set default ops.moment();
alter table ops.withdrawal alter column withdrawn_at set default ops.moment();
alter table ops.school_decision alter column decided_at set default ops.moment();

-- Written when a calculation begins: what newer versions, appeals, withdrawn and partial files changed in the rows.
create table ops.correction (
  correction_id bigint generated always as identity primary key,
  calculation_id text not null references ops.calculation on delete cascade,
  base_calculation_id text not null references ops.calculation,
  year int,
  source text not null,
  content_key text not null,
  files_now text[] not null,
  files_gone text[] not null,
  n_rows_before bigint not null,
  n_rows_now bigint not null,
  n_added bigint not null,
  n_removed bigint not null,
  n_changed bigint not null,
  n_schools bigint not null
);
create index correction_calculation on ops.correction (calculation_id);
comment on table ops.correction is 'Исправления: содержание, чьи действующие строки не те, что в прошлом расчёте';
comment on column ops.correction.correction_id is 'Номер записи';
comment on column ops.correction.calculation_id is 'Расчёт, который исправление учёл первым';
comment on column ops.correction.base_calculation_id is 'Прошлый расчёт этого года';
comment on column ops.correction.year is 'Год кампании; пусто — сведения без года';
comment on column ops.correction.source is 'Вид сведений';
comment on column ops.correction.content_key is 'Содержание';
comment on column ops.correction.files_now is 'Файлы, которые стали действовать';
comment on column ops.correction.files_gone is 'Файлы, которые перестали действовать';
comment on column ops.correction.n_rows_before is 'Действовало записей';
comment on column ops.correction.n_rows_now is 'Действует записей';
comment on column ops.correction.n_added is 'Записей добавилось';
comment on column ops.correction.n_removed is 'Записей исчезло';
comment on column ops.correction.n_changed is 'Записей изменилось';
comment on column ops.correction.n_schools is 'Школ, чьи записи добавились, исчезли или изменились';

create table ops.correction_row (
  correction_id bigint not null references ops.correction on delete cascade,
  change text not null check (change in ('added', 'removed', 'changed')),
  school_key text,
  record text,
  part_before bigint references ops.source_part,
  row_before int,
  part_now bigint references ops.source_part,
  row_now int,
  column_name text,
  value_before text,
  value_now text
);
create index correction_row_correction on ops.correction_row (correction_id);
comment on table ops.correction_row is 'Изменившиеся записи: по строке на столбец; добавленная или исчезнувшая — одной строкой';
comment on column ops.correction_row.correction_id is 'Исправление';
comment on column ops.correction_row.change is 'added — добавилась, removed — исчезла, changed — изменилась';
comment on column ops.correction_row.school_key is 'Школа, как названа в строке';
comment on column ops.correction_row.record is 'По чему запись узнана в обеих версиях; без того, что выдаёт человека';
comment on column ops.correction_row.part_before is 'Часть файла, где запись была';
comment on column ops.correction_row.row_before is 'Строка листа, где запись была';
comment on column ops.correction_row.part_now is 'Часть файла, где запись есть';
comment on column ops.correction_row.row_now is 'Строка листа, где запись есть';
comment on column ops.correction_row.column_name is 'Столбец источника';
comment on column ops.correction_row.value_before is 'Было; не хранится у столбцов, которые выдают человека';
comment on column ops.correction_row.value_now is 'Стало; не хранится у столбцов, которые выдают человека';
