-- Written when versions are settled. A part of returned rows stands beside the part whose rows it corrects.
alter table ops.source_part
  add column corrects_key text,
  add column given_columns text[],
  add column corrects bigint references ops.source_part;
create index source_part_corrects on ops.source_part (corrects) where corrects is not null;
comment on column ops.source_part.corrects_key is
  'Какую часть исправляют возвращённые строки: отпечаток её файла, листа и содержания; пусто — обычная часть';
comment on column ops.source_part.given_columns is 'Столбцы, которые были в возвращённой книге; остальные взяты из исходных строк';
comment on column ops.source_part.corrects is 'Часть, чьи строки исправлены; пусто — обычная часть или исходный файл ещё не загружен';
-- A row is known by its part, its number and, in a wide sheet, its record.
create table ops.superseded_row (
  part_id bigint not null references ops.source_part,
  row_no int not null,
  record_key text not null default '',
  by_part bigint not null references ops.source_part,
  primary key (part_id, row_no, record_key)
);
comment on table ops.superseded_row is 'Строки, вместо которых действуют строки, исправленные в книге с замечаниями';
comment on column ops.superseded_row.part_id is 'Часть';
comment on column ops.superseded_row.row_no is 'Строка листа';
comment on column ops.superseded_row.record_key is 'Какая из записей строки; пусто — единственная';
comment on column ops.superseded_row.by_part is 'Часть с исправленной строкой; номер строки в ней тот же';

alter table ops.dropped_row drop constraint dropped_row_reason_check;
alter table ops.dropped_row add constraint dropped_row_reason_check check (
  reason in ('title', 'header', 'footer', 'subtotal', 'blank', 'not_data', 'no_origin', 'repeated', 'corrected')
);
comment on column ops.dropped_row.reason is
  'title — название, header — заголовок, footer — подвал, subtotal — промежуточный итог, blank — пустая, '
  'not_data — не данные, no_origin — в возвращённой книге: исходной строки с таким ключом нет, '
  'repeated — в возвращённой книге: ниже есть строка с тем же ключом, corrected — вместо строки действует исправленная';

-- A corrected row has the number that it had in the original file: that is where a person looks for it.
create view ops.part_place as
select
  part.part_id,
  case when part.corrects is null then file.path else place.path || ' (исправлено: ' || file.path || ')' end as path,
  case when part.corrects is null then file.name else place.name || ' (исправлено: ' || file.name || ')' end as name,
  coalesce(original.sheet, part.sheet) as sheet
from ops.source_part as part
inner join ops.source_file as file on file.file_id = part.file_id
left join ops.source_part as original on original.part_id = part.corrects
left join ops.source_file as place on place.file_id = original.file_id;
comment on view ops.part_place is 'Где искать строки части: файл и лист, к которым относятся номера её строк';
comment on column ops.part_place.part_id is 'Часть';
comment on column ops.part_place.path is 'Путь исходного файла; у исправленных строк рядом — возвращённая книга';
comment on column ops.part_place.name is 'Имя исходного файла; у исправленных строк рядом — возвращённая книга';
comment on column ops.part_place.sheet is 'Лист исходного файла';
