'use strict';
// The explorer's page. All texts of the server are set as text, never as HTML. The token of writing requests is in the fragment of the
// address, which a browser does not send.
(function () {
  const of = (id) => document.getElementById(id);
  const token = window.location.hash.slice(1);
  const FILTERS = ['rejection', 'uncertainty', 'min_foreground', 'max_foreground'];
  const ONES = { rejection: 0, uncertainty: 0, min_foreground: 0, max_foreground: 1 };
  const REASONS = { rejection: 'rejected', uncertainty: 'uncertain', foreground: 'foreground' };
  let state = null;
  let page = 0;
  let latest = 0;
  let timer = 0;
  const marks = { annotate: new Map(), exclude: new Map() };

  // ---- requests

  async function answer(response) {
    if (response.ok) { return response; }
    let reason = response.status + ' ' + response.statusText;
    try { reason = (await response.json()).error || reason; } catch (error) { /* no JSON: the status is all there is */ }
    throw new Error(reason);
  }

  function query(values) {
    return new URLSearchParams(values).toString();
  }

  async function read(path, values) {
    return answer(await fetch(path + '?' + query(values || {})));
  }

  async function write(path, values, body) {
    const headers = { 'X-Explorer-Token': token };
    return (await answer(await fetch(path + '?' + query(values), { method: 'POST', headers: headers, body: body }))).json();
  }

  function complain(error) {
    of('error').textContent = error instanceof TypeError ? 'The explorer does not answer: was it ended?' : error.message;
    of('error').hidden = false;
  }

  function element(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties || {});
    made.append(...children);
    return made;
  }

  // ---- what is asked for

  function where() {
    const values = { class: of('class').value };
    if (state.kind === 'generator') {
      values.seed = of('seed').value;
      if (state.truncatable && of('truncated').checked) { values.truncation = of('truncation').value; }
    }
    return values;
  }

  function settings() {
    const values = {};
    FILTERS.forEach((name) => { if (Number(of(name).value) !== ONES[name]) { values[name] = of(name).value; } });
    return values;
  }

  function showOutputs() {
    of('truncation').disabled = !of('truncated').checked;
    of('truncation-value').textContent = of('truncated').checked ? Number(of('truncation').value).toFixed(2) : 'none';
    FILTERS.forEach((name) => {
      of(name).parentElement.querySelector('output').textContent = Math.round(100 * of(name).value) + ' %';
    });
  }

  function later() {
    showOutputs();
    window.clearTimeout(timer);
    timer = window.setTimeout(load, 200);
  }

  async function load() {
    const turn = ++latest;
    const place = where();
    of('grid').classList.add('waiting');
    try {
      const values = { ...place, ...settings(), page: page, order: of('order').value, kept_only: of('kept_only').value };
      const content = await (await read('samples', values)).json();
      if (turn !== latest) { return; }
      of('error').hidden = true;
      show(content, place);
    } catch (error) {
      if (turn === latest) { complain(error); }
    } finally {
      if (turn === latest) {
        of('grid').classList.remove('waiting');
        document.body.dataset.loads = Number(document.body.dataset.loads || 0) + 1;
      }
    }
  }

  // ---- the grid

  function show(content, place) {
    page = content.page;
    const counts = Object.entries(content.counts).map(([name, number]) => {
      const text = { candidates: state.kind === 'generator' ? 'candidates' : 'samples of this class', kept: 'kept' }[name];
      return number.toLocaleString('en') + ' ' + (text || 'after ' + name.replace('after_', ''));
    });
    of('counts').textContent = counts.join(' · ');
    of('grid').replaceChildren(...content.samples.map((sample) => card(sample, place)));
    of('page').textContent = state.kind === 'generator' ? 'block ' + page : 'page ' + (page + 1) + ' of ' + content.pages;
    of('previous').disabled = page === 0;
    of('next').disabled = content.pages !== null && page + 1 >= content.pages;
    if (of('statistics').open) { loadStatistics(); }
  }

  function pictureOf(sample, place, layer, side) {
    return 'picture?' + query({ ...place, index: sample.index, layer: layer, side: side });
  }

  function card(sample, place) {
    const image = element('img', { loading: 'lazy', alt: sample.title, src: pictureOf(sample, place, of('layer').value, 256) });
    const open = element('button', { type: 'button', className: 'open', title: 'Open ' + sample.title }, image);
    open.addEventListener('click', () => openDetail(sample, place));
    const first = sample.index + (sample.uncertainty === undefined ? '' : ' · ' + sample.uncertainty.toFixed(3));
    const reason = sample.dropped_by ? REASONS[sample.dropped_by] || sample.dropped_by : '';
    const caption = element('figcaption', {}, element('span', { textContent: first }),
      element('span', { className: sample.saved ? 'saved' : 'why', textContent: sample.saved ? 'saved' : reason }));
    const figure = element('figure', {}, open, caption);
    figure.dataset.index = sample.index;
    figure.classList.toggle('dropped', Boolean(sample.dropped_by));
    const buttons = element('div', { className: 'marks' });
    if (state.can_select || state.can_write_samples) { buttons.append(marker('annotate', 'Annotate', figure, sample, place)); }
    if (state.can_select) { buttons.append(marker('exclude', 'Exclude', figure, sample, place)); }
    figure.append(buttons);
    return figure;
  }

  function marker(kind, text, figure, sample, place) {
    const key = query(place) + '/' + sample.index;
    const id = state.can_select ? sample.title : key;
    const button = element('button', { type: 'button', textContent: text, title: text + ' ' + sample.title });
    button.dataset.mark = kind;
    const paint = () => {
      button.setAttribute('aria-pressed', String(marks[kind].has(id)));
      figure.classList.toggle(kind, marks[kind].has(id));
    };
    button.addEventListener('click', () => {
      if (marks[kind].has(id)) { marks[kind].delete(id); } else { marks[kind].set(id, { place: place, index: sample.index }); }
      paint();
      showMarks();
    });
    paint();
    return button;
  }

  function showMarks() {
    const texts = { annotate: 'to annotate', exclude: 'excluded' };
    Object.keys(marks).forEach((kind) => {
      of('number-' + kind).textContent = marks[kind].size + ' ' + texts[kind];
      of('save-' + kind).disabled = marks[kind].size === 0 && (kind === 'annotate' || !state.can_select);
    });
    of('bar').hidden = !(state.can_select || state.can_write_samples);
    of('of-exclude').hidden = !state.can_select;
    of('name-annotate').hidden = !state.can_select;
  }

  async function saveMarks(kind) {
    of('said').textContent = '';
    try {
      let result;
      if (state.can_select) {
        const body = { name: of('name-' + kind).value, samples: Array.from(marks[kind].keys()), keep: kind === 'annotate' };
        result = await write('select', {}, JSON.stringify(body));
      } else {
        const groups = new Map();
        marks[kind].forEach((one) => {
          const key = query(one.place);
          if (!groups.has(key)) { groups.set(key, { place: one.place, indices: [] }); }
          groups.get(key).indices.push(one.index);
        });
        for (const group of groups.values()) { result = await write('write_samples', group.place, JSON.stringify({ indices: group.indices })); }
      }
      of('said').textContent = 'Written: ' + result.path;
    } catch (error) {
      of('said').textContent = error.message;
    }
  }

  async function readMarks(kind) {
    try {
      const found = (await (await read('marks', { name: of('name-' + kind).value })).json()).marks;
      if (found && found.keep === (kind === 'annotate')) { found.samples.forEach((title) => marks[kind].set(title, {})); }
    } catch (error) {
      of('said').textContent = error.message;
    }
  }

  // ---- statistics

  async function loadStatistics() {
    const turn = latest;
    of('statistics-note').textContent = 'Measuring ...';
    try {
      const rows = await (await read('statistics', { ...where(), ...settings(), page: page })).json();
      if (turn !== latest) { return; }
      const heads = { n: 'samples', IN: 'IN', MI: 'MI', BI: 'BI', MB: 'MB', PL: 'PL', SC: 'SC', SD: 'SD', uncertainty: 'uncertainty', without_foreground: 'empty masks' };
      const texts = { all: state.kind === 'generator' ? 'all candidates' : 'all samples', kept: 'kept by the filters' };
      const cells = (row) => Object.keys(heads).map((key) => {
        const value = row === null ? null : row[key];
        const whole = key === 'n' || key === 'without_foreground';
        return element('td', { textContent: value === null || value === undefined ? '–' : whole ? value : value.toFixed(3) });
      });
      const table = of('statistics').querySelector('table');
      table.tHead.replaceChildren(element('tr', {}, element('th'), ...Object.values(heads).map((text) => element('th', { textContent: text }))));
      table.tBodies[0].replaceChildren(...['all', 'kept'].map((key) => element('tr', {}, element('td', { textContent: texts[key] }), ...cells(rows[key]))));
      const measured = rows.all ? rows.all.n : 0;
      of('statistics-note').textContent = 'Means of the columns of Table 1: instances, mask / image, box / image, mask / box, length and complexity of the outline, ' +
        'diversity of the shapes.' + (measured < rows.of ? ' Of the first ' + measured + ' of ' + rows.of + ' samples.' : '');
    } catch (error) {
      of('statistics-note').textContent = error.message;
    }
  }

  // ---- one sample

  const canvas = of('canvas');
  const drawing = { sample: null, place: null, image: null, mask: null, values: null, undo: [], label: 255, last: null };

  function size() { return Number(of('size').value); }

  async function openDetail(sample, place) {
    const side = state.resolution;
    Object.assign(drawing, { sample: sample, place: place, image: null, mask: null, values: null, undo: [], last: null });
    of('detail-title').textContent = sample.title;
    of('value').textContent = '';
    of('saved-note').textContent = '';
    of('undo').disabled = true;
    of('brushes').hidden = of('actions').hidden = !state.can_draw;
    of('layers').replaceChildren(...state.layers.filter((layer) => layer.name !== 'image' || state.can_draw).map((layer) => element('figure', {},
      element('img', { alt: layer.title, src: pictureOf(sample, place, layer.name, 256) }), element('figcaption', { textContent: layer.title }))));
    of('of-near').hidden = !state.neighbours;
    of('near').replaceChildren();
    of('near-note').textContent = 'Searching ...';
    canvas.width = canvas.height = side;
    if (!of('detail').open) { of('detail').showModal(); }
    const index = { ...place, index: sample.index };
    try {
      const image = new Image();
      image.src = pictureOf(sample, place, 'image', Math.min(side, 1024));
      const wanted = [image.decode()];
      if (state.can_draw) { wanted.push(readMask(index)); }
      if (state.most_disagreement) {
        wanted.push(read('disagreement', index).then((response) => response.arrayBuffer()).then((bytes) => { if (drawing.sample === sample) { drawing.values = new Float32Array(bytes); } }));
      }
      await Promise.all(wanted);
      if (drawing.sample !== sample) { return; }
      drawing.image = image;
      paint();
      document.body.dataset.opened = sample.title;
    } catch (error) {
      of('saved-note').textContent = error.message;
    }
    if (state.neighbours) { loadNear(index, sample); }
  }

  async function readMask(values) {
    const sample = drawing.sample;
    const bytes = await (await read('mask', values)).arrayBuffer();
    if (drawing.sample === sample) { drawing.mask = new Uint8Array(bytes); }
  }

  async function loadNear(values, sample) {
    try {
      const found = await (await read('nearest', values)).json();
      if (drawing.sample !== sample) { return; }
      of('near-note').textContent = 'Distances in the features of ' + state.network + ', as multiples of the median distance between real images (' + state.reference + ').';
      of('near').replaceChildren(...found.images.map((one) => element('figure', {},
        element('img', { alt: one.title, src: 'real?' + query({ place: one.place }) }),
        element('figcaption', { textContent: (one.class_name ? one.class_name + ' ' : '') + (found.yardstick ? (one.distance / found.yardstick).toFixed(2) + '\u00a0×' : one.distance.toFixed(2)) }))));
    } catch (error) {
      of('near-note').textContent = error.message;
    }
  }

  // The mask as colours over the image: object blue, ignored yellow; its border is drawn fully.
  function paint() {
    const side = state.resolution;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context.imageSmoothingEnabled = false;
    context.drawImage(drawing.image, 0, 0, side, side);
    if (!drawing.mask || of('hide').checked) { return; }
    const pixels = context.getImageData(0, 0, side, side);
    const mask = drawing.mask;
    for (let i = 0; i < mask.length; i += 1) {
      if (mask[i] === 0) { continue; }
      const colour = mask[i] === 255 ? [70, 150, 255] : [255, 200, 40];
      const x = i % side;
      const border = (x > 0 && mask[i - 1] !== mask[i]) || (x + 1 < side && mask[i + 1] !== mask[i]) || (i >= side && mask[i - side] !== mask[i]) || (i + side < mask.length && mask[i + side] !== mask[i]);
      const share = border ? 0.75 : 0.38;
      for (let c = 0; c < 3; c += 1) { pixels.data[4 * i + c] = Math.round((1 - share) * pixels.data[4 * i + c] + share * colour[c]); }
    }
    context.putImageData(pixels, 0, 0);
  }

  function position(event) {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * state.resolution, (event.clientY - box.top) / box.height * state.resolution];
  }

  // Sets the pixels whose centres lie within half a brush of the line from the last point to this one; the pixel under the point always.
  function stroke(point) {
    const side = state.resolution;
    const from = drawing.last || point;
    const radius = size() / 2;
    const [dx, dy] = [point[0] - from[0], point[1] - from[1]];
    const length = dx * dx + dy * dy;
    const low = (axis) => Math.max(0, Math.floor(Math.min(from[axis], point[axis]) - radius));
    const high = (axis) => Math.min(side - 1, Math.ceil(Math.max(from[axis], point[axis]) + radius));
    for (let y = low(1); y <= high(1); y += 1) {
      for (let x = low(0); x <= high(0); x += 1) {
        const [px, py] = [x + 0.5 - from[0], y + 0.5 - from[1]];
        const along = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
        if (Math.hypot(px - along * dx, py - along * dy) <= radius) { drawing.mask[y * side + x] = drawing.label; }
      }
    }
    const [cx, cy] = [Math.floor(point[0]), Math.floor(point[1])];
    if (cx >= 0 && cy >= 0 && cx < side && cy < side) { drawing.mask[cy * side + cx] = drawing.label; }
    drawing.last = point;
    paint();
  }

  function remember() {
    drawing.undo.push(drawing.mask.slice());
    if (drawing.undo.length > 50) { drawing.undo.shift(); }
    of('undo').disabled = false;
    of('saved-note').textContent = '';
  }

  canvas.addEventListener('pointerdown', (event) => {
    if (!drawing.mask || !drawing.image || (event.pointerType === 'mouse' && event.button !== 0)) { return; }
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    remember();
    drawing.pointer = event.pointerId;
    drawing.last = null;
    stroke(position(event));
  });
  canvas.addEventListener('pointermove', (event) => {
    const point = position(event);
    const [x, y] = point.map(Math.floor);
    const side = state.resolution;
    if (drawing.values && x >= 0 && y >= 0 && x < side && y < side) {
      of('value').textContent = 'x ' + x + ', y ' + y + ': uncertainty ' + drawing.values[y * side + x].toFixed(3) + ' of ' + state.most_disagreement.toFixed(3) + ' nats';
    }
    if (drawing.pointer !== event.pointerId || !drawing.mask) { return; }
    const between = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    (between.length ? between : [event]).forEach((one) => stroke(position(one)));
  });
  ['pointerup', 'pointercancel'].forEach((name) => canvas.addEventListener(name, (event) => {
    if (drawing.pointer === event.pointerId) { drawing.pointer = null; drawing.last = null; }
  }));

  function undo() {
    if (!drawing.undo.length) { return; }
    drawing.mask = drawing.undo.pop();
    of('undo').disabled = !drawing.undo.length;
    paint();
  }

  async function save() {
    const [sample, place] = [drawing.sample, drawing.place];
    of('save').disabled = true;
    try {
      const result = await write('save', { ...place, index: sample.index }, drawing.mask.slice());
      const more = (state.has_latents ? '' : ' Without a latent: start with --labelled-generator to save latents, too.') + (result.ignored ? ' It has ignored pixels: train with ignore_value=128.' : '');
      if (drawing.sample === sample) { of('saved-note').textContent = 'Saved: ' + result.path + more; }
      document.body.dataset.saved = Number(document.body.dataset.saved || 0) + 1;
      load();
    } catch (error) {
      of('saved-note').textContent = error.message;
    } finally {
      of('save').disabled = false;
    }
  }

  // ---- begin

  of('brushes').querySelectorAll('button').forEach((button) => button.addEventListener('click', () => {
    drawing.label = Number(button.dataset.label);
    of('brushes').querySelectorAll('button').forEach((other) => other.setAttribute('aria-pressed', String(other === button)));
  }));
  of('size').addEventListener('input', () => { of('size-value').textContent = size() + ' px'; });
  of('undo').addEventListener('click', undo);
  of('hide').addEventListener('change', paint);
  of('save').addEventListener('click', save);
  of('close').addEventListener('click', () => of('detail').close());
  of('reset').addEventListener('click', async () => {
    try {
      remember();
      await readMask({ ...drawing.place, index: drawing.sample.index, from: 'labels' });
      paint();
    } catch (error) {
      of('saved-note').textContent = error.message;
    }
  });
  of('detail').addEventListener('keydown', (event) => {
    if (event.key === 'z' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); undo(); }
    const step = { '[': -1, ']': 1 }[event.key];
    if (step) { of('size').value = size() + step; of('size').dispatchEvent(new Event('input')); }
  });
  ['class', 'layer', 'order', 'kept_only'].forEach((id) => of(id).addEventListener('change', () => { if (id !== 'layer') { page = 0; } later(); }));
  ['seed', 'truncated', 'truncation', ...FILTERS].forEach((id) => of(id).addEventListener('input', later));
  of('previous').addEventListener('click', () => { page -= 1; load(); });
  of('next').addEventListener('click', () => { page += 1; load(); });
  of('statistics').addEventListener('toggle', () => { if (of('statistics').open) { loadStatistics(); } });
  ['annotate', 'exclude'].forEach((kind) => of('save-' + kind).addEventListener('click', () => saveMarks(kind)));

  async function begin() {
    state = await (await read('state')).json();
    document.title = state.name + ' – Explorer';
    of('name').textContent = state.name;
    const total = state.counts ? state.counts.reduce((sum, number) => sum + number, 0).toLocaleString('en') + ' samples of ' : '';
    of('facts').textContent = (state.kind === 'generator' ? 'Labelled generator: ' : 'Dataset: ') + total + state.classes.length + ' classes, ' + state.resolution + ' × ' + state.resolution + ' px. ' +
      (state.can_draw ? 'Corrected masks go to ' + state.folder + ' (set "' + state.set + '").' : 'It has no masks.');
    of('class').replaceChildren(...state.classes.map((one, i) => element('option', { value: i, textContent: one.name + (state.counts ? ' (' + state.counts[i].toLocaleString('en') + ')' : '') })));
    const first = state.counts ? state.counts.findIndex((number) => number > 0) : 0;
    of('class').value = String(Math.max(0, first));
    of('layer').replaceChildren(...state.layers.map((one) => element('option', { value: one.name, textContent: one.title })));
    of('layer').value = state.can_draw ? 'mask' : 'image';
    of('of-seed').hidden = state.kind !== 'generator';
    of('of-truncation').hidden = !state.truncatable;
    if (state.kind === 'generator') {
      of('seed').value = state.seed;
      of('truncated').checked = state.truncation !== null;
      if (state.definition === 'scaled_truncnorm') { of('truncation').max = '1'; }
      of('truncation').value = state.truncation === null ? 1 : state.truncation;
    }
    document.querySelectorAll('[data-filter]').forEach((label) => { label.hidden = !state.filters[label.dataset.filter]; });
    of('order').disabled = !state.filters.uncertainty;
    of('size').max = String(Math.max(8, Math.round(state.resolution / 4)));
    of('size').value = String(Math.max(2, Math.round(state.resolution / 16)));
    of('size-value').textContent = size() + ' px';
    showOutputs();
    if (state.can_select) { await Promise.all(['annotate', 'exclude'].map(readMarks)); }
    showMarks();
    await load();
  }
  begin().catch(complain);
}());
