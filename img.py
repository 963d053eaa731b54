import sys,os,hashlib,json,gzip
sys.path.insert(0,'/work/main/tests/e2e')
import images
print([n for n in dir(images) if not n.startswith('_')])
