# Small JPEGs of kinds that the `image` crate cannot write. Needs Pillow.
from PIL import Image
import numpy as np, io, os
out='/work/wt-image/tests/images/kinds'; os.makedirs(out,exist_ok=True)
y,x=np.mgrid[0:56,0:72]
rgb=np.stack([x*3,y*4,(x*y)//20+((x//6+y//6)%2)*60],-1).clip(0,255).astype(np.uint8)
im=Image.fromarray(rgb)
for prog in (0,1):
  for rst in (0,1):
    for sub,name in ((0,'444'),(2,'420')):
      kw={'restart_marker_blocks':3} if rst else {}
      im.save(f"{out}/{'progressive' if prog else 'baseline'}-{name}{'-restart' if rst else ''}.jpg",quality=85,subsampling=sub,progressive=bool(prog),**kw)
im.convert('L').save(f'{out}/grey.jpg',quality=85)
im.convert('CMYK').save(f'{out}/cmyk.jpg',quality=60)
im.save(f'{out}/lossy.webp',quality=70)
rgba=im.convert('RGBA'); rgba.putalpha(im.convert('L')); rgba.save(f'{out}/lossy-alpha.webp',quality=70)
small=im.resize((16,16))
small.save(f'{out}/animated.webp',save_all=True,append_images=[small.transpose(0)],duration=100)
small.save(f'{out}/animated.png',save_all=True,append_images=[small.transpose(0)],duration=100)
