import type { HostFiles } from './host-files.ts';

/** Arrays of most personalities and in most states, as the kernel's drivers/md/md.c prints them. */
const MDSTAT = `Personalities : [raid1] [raid6] [raid5] [raid4] [raid0] [raid10] [linear] 
md0 : active raid1 nvme1n1p1[1] nvme0n1p1[0]
      1046528 blocks super 1.2 [2/2] [UU]
      
md1 : active raid1 nvme1n1p2[1] nvme0n1p2[0]
      487104512 blocks super 1.2 [2/2] [UU]
      [===>.................]  check = 18.2% (88722688/487104512) finish=33.1min speed=200128K/sec
      bitmap: 3/4 pages [12KB], 65536KB chunk

md2 : active raid5 sdd1[4] sdc1[1] sdb1[0]
      23437503488 blocks super 1.2 level 5, 512k chunk, algorithm 2 [4/3] [UU_U]
      [=>...................]  recovery =  6.4% (500001024/7812501162) finish=841.0min speed=144912K/sec
      bitmap: 7/59 pages [28KB], 65536KB chunk

md3 : active raid6 sdl1[7](S) sdk1[6](S) sdj1[5] sdi1[4](F) sdh1[3] sdg1[2](F) sdf1[1] sde1[0]
      31250001920 blocks super 1.2 level 6, 512k chunk, algorithm 2 [6/4] [UU_U_U]
      bitmap: 12/59 pages [48KB], 65536KB chunk

md4 : active raid10 nvme5n1[3] nvme4n1[2] nvme3n1[1](W) nvme2n1[0]
      7501212672 blocks super 1.2 512K chunks 2 near-copies [4/4] [UUUU]
      [==>..................]  resync = 12.6% (945152768/7501212672) finish=526.2min speed=207656K/sec
      bitmap: 49/56 pages [196KB], 65536KB chunk

md5 : active raid5 sdp1[3] sdo1[2] sdn1[1](J) sdm1[0]
      5860270080 blocks super 1.2 level 5, 64k chunk, algorithm 2 [4/4] [UUUU]
      [======>..............]  reshape = 33.0% (644629708/1953423360) finish=321.5min speed=67853K/sec
      
md6 : active raid1 sdr2[1] sdq2[0]
      4190208 blocks super 1.2 [2/2] [UU]
      \tresync=DELAYED
      
md7 : active (auto-read-only) raid1 sdr3[1] sdq3[0]
      8380416 blocks super 1.2 [2/2] [UU]
      \tresync=PENDING
      bitmap: 1/1 pages [4KB], 65536KB chunk

md8 : active raid0 sdt1[1] sds1[0]
      3906762752 blocks super 1.2 512k chunks
      
md9 : active (read-only) linear sdv1[1] sdu1[0]
      209584128 blocks super 1.2 0k rounding
      
md10 : broken raid0 sdx1[1](F) sdw1[0]
      976502784 blocks 64k chunks
      
md11 : inactive sdz1[1](F) sdy1[0](S)
      1953381488 blocks super 1.2
       
md126 : active raid1 sdab[1] sdaa[0]
      468848640 blocks super external:/md127/0 [2/2] [UU]
      
md127 : inactive sdab[1](S) sdaa[0](S)
      10402 blocks super external:imsm
       
md_home : active raid4 sdae[2] sdad[1] sdac[0]
      15628048384 blocks level 4, 64k chunk, algorithm 0 [3/2] [U_U]
      
unused devices: <none>
`;

export const mdadmFiles: HostFiles = { 'proc/mdstat': MDSTAT };
