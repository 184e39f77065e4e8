-- Blank in what came before this column: the next file that lands fills it with the code of the setting.
alter table ops.source_file add column region_code text check (region_code ~ '^[0-9]{2}$');
comment on column ops.source_file.region_code is 'Регион файла: код субъекта Федерации, две цифры';

create table ops.region_change (
  change_id int generated always as identity primary key,
  region_code text not null check (region_code ~ '^[0-9]{2}$'),
  previous_code text,
  changed_by text not null check (changed_by <> ''),
  reason text not null check (reason <> ''),
  changed_at timestamptz not null default now()
);
comment on table ops.region_change is 'Исправления кода региона: кто и почему';
comment on column ops.region_change.change_id is 'Номер';
comment on column ops.region_change.region_code is 'Новый код';
comment on column ops.region_change.previous_code is 'Прежний код; пусто — у файлов его не было';
comment on column ops.region_change.changed_by is 'Кто';
comment on column ops.region_change.reason is 'Почему';
comment on column ops.region_change.changed_at is 'Когда';
