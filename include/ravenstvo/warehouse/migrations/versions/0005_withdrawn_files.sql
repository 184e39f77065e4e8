-- Written by `ravenstvo withdraw`.
alter table ops.source_file drop constraint source_file_status_check;
alter table ops.source_file
  add constraint source_file_status_check check (status in ('landed', 'refused', 'waiting', 'ignored', 'withdrawn'));
alter table ops.source_part drop constraint source_part_status_check;
alter table ops.source_part
  add constraint source_part_status_check check (status in ('landed', 'waiting', 'refused', 'not_data', 'withdrawn'));

create table ops.withdrawal (
  withdrawal_id bigint generated always as identity primary key,
  file_id bigint not null references ops.source_file,
  is_undone boolean not null default false,
  withdrawn_by text not null,
  reason text not null,
  withdrawn_at timestamptz not null default now(),
  undone_by text,
  undone_at timestamptz
);
create index withdrawal_file on ops.withdrawal (file_id);
comment on table ops.withdrawal is 'Отозванные файлы: кто отозвал, почему, возвращён ли';
comment on column ops.withdrawal.withdrawal_id is 'Номер записи';
comment on column ops.withdrawal.file_id is 'Файл';
comment on column ops.withdrawal.is_undone is 'Отзыв отменён, файл снова в деле';
comment on column ops.withdrawal.withdrawn_by is 'Кто отозвал';
comment on column ops.withdrawal.reason is 'Почему';
comment on column ops.withdrawal.withdrawn_at is 'Когда отозван';
comment on column ops.withdrawal.undone_by is 'Кто вернул';
comment on column ops.withdrawal.undone_at is 'Когда возвращён';
