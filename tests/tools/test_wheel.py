"""A package that is installed from a wheel works like the checkout."""

import os
import subprocess
import sys
import time
import zipfile

from conftest import ROOT, run_tool

from mmbdg.version import __version__


def test_main_job_by_name_from_a_wheel(tmp_path):
    source = tmp_path / 'source'  # a copy, because building writes into the source folder
    files = subprocess.run(
        ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, files.stdout.decode().split('\0')):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps', '--no-build-isolation', '-w', tmp_path, source]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob('mmbdg-*.whl')
    names = zipfile.ZipFile(wheel).namelist()
    assert {
        *(f'mmbdg/.mim/{path.relative_to(ROOT).as_posix()}' for kind in ('tools', 'configs') for path in (ROOT / kind).rglob('*.py')),
        'mmbdg_cli/program.py',
        'mmbdg/.mim/model-index.yml',
        'mmbdg/html_page.css',
        'mmbdg/analysis/report/report_template.html',
        'mmbdg/leaderboard/leaderboard_template.html',
        'mmbdg/leaderboard/leaderboard.js',
        'mmbdg/assets/fashion32/diffusion/model_index.json',
        'mmbdg/assets/fashion32/diffusion/unet/diffusion_pytorch_model.safetensors',
        'mmbdg/assets/fashion32/transformer/transformer/diffusion_pytorch_model.safetensors',
        'mmbdg/assets/fashion32/clip/open_clip_config.json',
        'mmbdg/assets/fashion32/clip/open_clip_model.safetensors',
        'mmbdg/assets/fashion32/clip/bpe_merges.txt.gz',
        'mmbdg/assets/clip/dtd/classes.json',
        'mmbdg/assets/clip/dtd/templates.txt',
        'mmbdg/assets/prompts/slots.json',
    } <= set(names)
    assert not any(name.startswith(('tests/', 'tools/', 'configs/')) for name in names)
    subprocess.run([sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--target', tmp_path / 'site', wheel], check=True)
    installed = sorted(path for path in (tmp_path / 'site').rglob('*') if path.suffix != '.pyc' and path.name != '__pycache__')
    start = time.perf_counter()
    version = subprocess.run(
        [sys.executable, tmp_path / 'site' / 'bin' / 'mmbdg', '--version'],
        env=os.environ | dict(PYTHONPATH=str(tmp_path / 'site')),
        capture_output=True,
        text=True,
        check=True,
    )
    assert version.stdout == f'mmbdg {__version__}\n' and time.perf_counter() - start < 2  # torch alone takes longer
    result = run_tool(
        '-m', 'mmbdg.train', 'densecl_biggan_fpn', '--cfg-options',
        'iterations=2', 'train_dataloader.batch_size=8', 'train_dataloader.dataset.seg.prepare.num_per_class=1',
        'val_dataloader.dataset.label_fraction=0.01',
        cwd=tmp_path, PYTHONPATH=str(tmp_path / 'site'), MMBDG_CACHE=str(tmp_path / 'cache'),
    )  # fmt: skip
    assert (
        str(tmp_path / 'site' / 'mmbdg')
        in run_tool('-c', 'import mmbdg; print(mmbdg.__file__)', cwd=tmp_path, PYTHONPATH=str(tmp_path / 'site')).stdout
    )
    assert 'next: python -m mmbdg.extract_backbone' in result.stdout
    assert (tmp_path / 'work_dirs' / 'densecl_biggan_fpn' / 'iter_2.pth').is_file()
    assert installed == sorted(path for path in (tmp_path / 'site').rglob('*') if path.suffix != '.pyc' and path.name != '__pycache__')
