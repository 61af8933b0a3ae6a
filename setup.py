"The package, as settings.ini describes it"
import configparser, shutil
from pathlib import Path
from packaging.version import parse
from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
config = configparser.ConfigParser(delimiters=["="])
config.read(HERE/"settings.ini", encoding="utf-8")
cfg = config["DEFAULT"]
STATUSES = {"1": "1 - Planning", "2": "2 - Pre-Alpha", "3": "3 - Alpha", "4": "4 - Beta", "5": "5 - Production/Stable"}
PYTHONS = [v for v in ("3.11", "3.12", "3.13", "3.14") if parse(v) >= parse(cfg["min_python"])]


class BuildWithModels(build_py):
    "Copies shipped models and agents into the package: a wheel has them (an editable install finds them in artifacts)"

    def shipped(self):
        "Pairs of a shipped file and its place in the package"
        package, places = Path(self.build_lib)/cfg["lib_path"], dict(pretrained="pretrained", agents="pretrained_agents")
        return [(f, package/there/f.relative_to(HERE/"artifacts"/here))
                for here, there in places.items() for f in sorted((HERE/"artifacts"/here).rglob("*")) if f.is_file()]

    def run(self):
        super().run()
        if self.editable_mode: return
        for file, place in self.shipped():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)

    def get_outputs(self, include_bytecode=True):
        extra = [] if self.editable_mode else [str(place) for _, place in self.shipped()]
        return super().get_outputs(include_bytecode) + extra


setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=(HERE/"README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    author=cfg["author"],
    author_email=cfg["author_email"],
    url=cfg["git_url"],
    keywords=cfg["keywords"],
    classifiers=[
        f"Development Status :: {STATUSES[cfg['status']]}",
        f"Intended Audience :: {cfg['audience']}",
        f"Natural Language :: {cfg['language']}",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        *(f"Programming Language :: Python :: {v}" for v in PYTHONS)],
    python_requires=f">={cfg['min_python']}",
    packages=find_packages(include=[cfg["lib_path"], f"{cfg['lib_path']}.*"]),
    package_data={cfg["lib_path"]: ["static/**/*"]},
    install_requires=cfg["requirements"].split(),
    extras_require={"dev": cfg["dev_requirements"].split(), "flash": cfg["flash_requirements"].split()},
    entry_points={
        "console_scripts": cfg["console_scripts"].split(),
        "nbdev": [f"{cfg['lib_path']}={cfg['lib_path']}._modidx:d"]},
    cmdclass={"build_py": BuildWithModels},
    zip_safe=False,
)
