'use strict';
// Sorts the tables and filters their rows. The state is in the fragment of the address, so that a view can be linked:
// #sort=DOMAIN.COLUMN&order=asc|desc&data=KIND&paper=no
(function () {
  const boards = Array.from(document.querySelectorAll('table.board'));
  const data = document.getElementById('data');
  const paper = document.getElementById('paper');

  function state() {
    return new URLSearchParams(window.location.hash.slice(1));
  }

  function change(values) {
    const next = state();
    for (const [key, value] of Object.entries(values)) {
      if (value === '') { next.delete(key); } else { next.set(key, value); }
    }
    window.location.hash = next.toString();
  }

  // A missing value is last in both directions.
  function compare(a, b, numeric, descending) {
    if (a === '' || b === '') { return (a === '') - (b === ''); }
    const order = numeric ? Number(a) - Number(b) : a.localeCompare(b, 'en');
    return descending ? -order : order;
  }

  function sort(table, key, descending) {
    const heads = Array.from(table.tHead.rows[0].cells);
    const index = heads.findIndex((head) => head.dataset.key === key);
    if (index < 0) { return; }
    const numeric = heads[index].classList.contains('numeric');
    const rows = Array.from(table.tBodies[0].rows);
    rows.sort((a, b) => compare(a.cells[index].dataset.value, b.cells[index].dataset.value, numeric, descending));
    rows.forEach((row) => table.tBodies[0].appendChild(row));
    heads.forEach((head, i) => {
      if (i === index) { head.setAttribute('aria-sort', descending ? 'descending' : 'ascending'); } else { head.removeAttribute('aria-sort'); }
    });
  }

  function filter(table, kind, withPaper) {
    const rows = Array.from(table.tBodies[0].rows);
    rows.forEach((row) => {
      const known = row.dataset.kinds.split(' ');
      row.hidden = (kind !== '' && !known.includes(kind)) || (!withPaper && row.classList.contains('paper'));
    });
    const shown = rows.filter((row) => !row.hidden).length;
    document.getElementById('count-' + table.id).textContent = shown + ' of ' + rows.length + ' rows';
  }

  function apply() {
    const now = state();
    const kinds = Array.from(data.options, (option) => option.value);
    const kind = kinds.includes(now.get('data')) ? now.get('data') : '';
    const withPaper = now.get('paper') !== 'no';
    const [domain, key] = (now.get('sort') || '').split('.');
    data.value = kind;
    paper.checked = withPaper;
    boards.forEach((table) => {
      if (table.id === domain) { sort(table, key, now.get('order') !== 'asc'); }
      filter(table, kind, withPaper);
    });
  }

  boards.forEach((table) => {
    table.tHead.addEventListener('click', (event) => {
      const head = event.target.closest('th');
      if (!head) { return; }
      const first = head.classList.contains('numeric') ? 'desc' : 'asc';
      const last = head.getAttribute('aria-sort');
      const order = last === null ? first : last === 'descending' ? 'asc' : 'desc';
      change({ sort: table.id + '.' + head.dataset.key, order: order });
    });
  });
  data.addEventListener('change', () => change({ data: data.value }));
  paper.addEventListener('change', () => change({ paper: paper.checked ? '' : 'no' }));
  window.addEventListener('hashchange', apply);
  document.getElementById('controls').hidden = false;
  apply();
})();
