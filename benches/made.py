"""Writes three SQLite databases whose rows hand something on to the next one: `made.py FOLDER`.

staff.sqlite: people with periods of pay, titles and departments, each ending where the next begins.
bank.sqlite: accounts whose balance goes on by payments, with cards, loans and standing orders.
fleet.sqlite: vehicles with trips and hourly sensors, and the stock of each product in each shop day by day.
Same rows every time.
"""
import datetime as d, math, os, random, sqlite3, sys

random.seed(4)
os.chdir(sys.argv[1])
D=lambda n:(d.date(1985,1,1)+d.timedelta(days=n)).isoformat()
# ---- hr
for f in ['staff.sqlite','bank.sqlite','fleet.sqlite']:
    if os.path.exists(f): os.remove(f)
c=sqlite3.connect('staff.sqlite')
c.executescript('''
create table departments(dept_no char(4) primary key, dept_name varchar(40) not null unique);
create table employees(emp_no int primary key, birth_date date not null, first_name varchar(14) not null, last_name varchar(16) not null, gender char(1) not null check(gender in('M','F')), hire_date date not null);
create table dept_emp(emp_no int not null references employees, dept_no char(4) not null references departments, from_date date not null, to_date date not null, primary key(emp_no,dept_no));
create table dept_manager(emp_no int not null references employees, dept_no char(4) not null references departments, from_date date not null, to_date date not null, primary key(emp_no,dept_no));
create table titles(emp_no int not null references employees, title varchar(50) not null, from_date date not null, to_date date, primary key(emp_no,title,from_date));
create table salaries(emp_no int not null references employees, salary int not null, from_date date not null, to_date date not null, primary key(emp_no,from_date));
''')
names=['Marketing','Finance','Human Resources','Production','Development','Quality Management','Sales','Research','Customer Service']
for i,n in enumerate(names): c.execute('insert into departments values(?,?)',(f'd{i+1:03}',n))
fn=[a+b for a in 'Georgi Bezal Parto Chirs Kyoichi Anneke Tzvetan Saniya Sumant Duangkaew Mary Patricio Eberhardt Berni Guoxiang Kazuhito Cristinel Kazuhide Lillian Mayuko'.split() for b in ['','a','el','in','o']]
ln=[a+b for a in 'Facello Simmel Bamford Koblick Maliniak Preusig Zielinski Kalloufi Peac Piveteau Sluis Bridgland Terkki Genin Nooteboom Cappelletti Bouloucos Peha Haddadi Warwick'.split() for b in ['','a','ov','er','i','sson','ez']]
END='9999-01-01'; NOW=6400
w=[7,6,6,25,30,7,18,7,8]
start={0:'Staff',1:'Staff',2:'Staff',3:'Engineer',4:'Engineer',5:'Engineer',6:'Staff',7:'Staff',8:'Staff'}
up={'Staff':'Senior Staff','Engineer':'Senior Engineer','Assistant Engineer':'Engineer','Senior Engineer':'Technique Leader'}
base=[52000,50000,45000,48000,49000,47000,66000,48000,47000]
for e in range(2000):
    no=10001+e
    hire=int(random.triangular(30,5500,900))
    birth=d.date(1952,2,1)+d.timedelta(days=random.randrange(4700))
    c.execute('insert into employees values(?,?,?,?,?,?)',(no,birth.isoformat(),random.choice(fn),random.choice(ln),random.choices('MF',[6,4])[0],D(hire)))
    leave=NOW if random.random()<.8 else random.randrange(hire+200,NOW) if hire+200<NOW else NOW
    f=hire+ (0 if random.random()<.6 else int(random.expovariate(1/900)))
    if f>=leave-50: f=hire
    de=random.choices(range(9),w)[0]
    to=leave
    if random.random()<.11 and leave-f>800:
        mid=random.randrange(f+300,leave-100); de2=random.choice([x for x in range(9) if x!=de])
        c.execute('insert into dept_emp values(?,?,?,?)',(no,f'd{de+1:03}',D(f),D(mid)))
        c.execute('insert into dept_emp values(?,?,?,?)',(no,f'd{de2+1:03}',D(mid),END if leave==NOW else D(leave)))
    else: c.execute('insert into dept_emp values(?,?,?,?)',(no,f'd{de+1:03}',D(f),END if leave==NOW else D(leave)))
    t=start[de]
    if t=='Engineer' and random.random()<.3: t='Assistant Engineer'
    if random.random()<.2: t=up[t]
    x=f
    while True:
        nx=x+random.randrange(1500,3400)
        if nx<leave and t in up and random.random()<.75:
            c.execute('insert into titles values(?,?,?,?)',(no,t,D(x),D(nx))); t=up[t]; x=nx
        else:
            c.execute('insert into titles values(?,?,?,?)',(no,t,D(x),None if leave==NOW else D(leave))); break
    s=base[de]+max(-9000,random.gauss(0,9000)); s=max(s,40000); x=f
    while True:
        nx=x+365
        if nx<leave:
            c.execute('insert into salaries values(?,?,?,?)',(no,int(s),D(x),D(nx))); s+=random.choice([random.uniform(-600,800),random.uniform(500,4500)]); x=nx
        else:
            c.execute('insert into salaries values(?,?,?,?)',(no,int(s),D(x),END if leave==NOW else D(leave))); break
for i in range(9):
    es=random.sample([r[0] for r in c.execute('select emp_no from dept_emp where dept_no=? order by emp_no',(f'd{i+1:03}',))],3)
    cuts=[0]+sorted(random.sample(range(500,6000),len(es)-1))+[None]
    for j,e in enumerate(es):
        c.execute('insert into dept_manager values(?,?,?,?)',(e,f'd{i+1:03}',D(cuts[j]),END if cuts[j+1] is None else D(cuts[j+1])))
c.commit()
# ---- bank
c=sqlite3.connect('bank.sqlite')
c.executescript('''
create table district(district_id integer primary key, name text not null, region text not null, inhabitants int, salary int, unemployment real);
create table account(account_id integer primary key, district_id int not null references district, frequency text not null, opened date not null);
create table client(client_id integer primary key, gender text not null, birth_date date not null, district_id int not null references district);
create table disp(disp_id integer primary key, client_id int not null references client, account_id int not null references account, type text not null);
create table card(card_id integer primary key, disp_id int not null references disp, type text not null, issued date not null);
create table loan(loan_id integer primary key, account_id int not null unique references account, date date not null, amount int not null, duration int not null, payments decimal(10,2) not null, status text not null);
create table standing_order(order_id integer primary key, account_id int not null references account, bank_to text not null, account_to int not null, amount decimal(10,1) not null, k_symbol text);
create table trans(trans_id integer primary key, account_id int not null references account, date date not null, type text not null, operation text, amount decimal(10,2) not null, balance decimal(12,2) not null, k_symbol text);
''')
B=lambda n:(d.date(1993,1,1)+d.timedelta(days=n)).isoformat()
for i in range(77): c.execute('insert into district values(?,?,?,?,?,?)',(i+1,f'Okres {i}',['Prague','central','south','west','north','east','south Moravia','north Moravia'][i%8],random.randrange(42000,300000),random.randrange(8100,12500),round(random.uniform(.3,9),2)))
tid=cid=did=kid=lid=oid=0
for a in range(1,701):
    dist=random.randrange(1,78); op=random.randrange(0,1800); fr=random.choices(['monthly','weekly','after transaction'],[90,6,2])[0]
    c.execute('insert into account values(?,?,?,?)',(a,dist,fr,B(op)))
    for k in range(1 if random.random()<.8 else 2):
        cid+=1; did+=1
        c.execute('insert into client values(?,?,?,?)',(cid,random.choice('MF'),(d.date(1930,1,1)+d.timedelta(days=random.randrange(20000))).isoformat(),dist if random.random()<.9 else random.randrange(1,78)))
        c.execute('insert into disp values(?,?,?,?)',(did,cid,a,['OWNER','DISPONENT'][k]))
        if k==0 and random.random()<.2:
            kid+=1; c.execute('insert into card values(?,?,?,?)',(kid,did,random.choices(['classic','junior','gold'],[7,2,1])[0],B(op+random.randrange(100,400))))
    pens=random.random()<.15; sal=random.choice([4000,8000,12000,20000,30000])*random.uniform(.8,1.3)
    orders=[]
    for k in range(random.choices([0,1,2,3],[2,3,2,1])[0]):
        oid+=1; am=round(random.uniform(200,sal*.3),1); ks=random.choices(['household','insurance','loan','leasing',''],[5,1,1,.5,1])[0]
        orders.append((am,ks)); c.execute('insert into standing_order values(?,?,?,?,?,?)',(oid,a,random.choice(['AB','CD','EF','GH','IJ','KL','MN']),random.randrange(10**7,10**8),am,ks))
    if random.random()<.15:
        lid+=1; du=random.choice([12,24,36,48,60]); am=round(random.uniform(1,60))*du*random.choice([12,24,36]); c.execute('insert into loan values(?,?,?,?,?,?,?)',(lid,a,B(op+random.randrange(150,600)),am,du,round(am/du,2),random.choices('ABCD',[6,1,12,2])[0]))
    bal=0; evs=[]
    for m in range((2190-op)//30):
        base=op+m*30
        evs.append((base+random.randrange(3),'in',0)); evs.append((base+5,'o',0)); evs.append((base+random.randrange(6,28),'out',0))
        if random.random()<.5: evs.append((base+random.randrange(6,28),'out',0))
        evs.append((base+29,'int',0))
    first=True
    for day,k,_ in sorted(evs):
        def put(ty,o,am,ks):
            global tid
            tid+=1; c.execute('insert into trans values(?,?,?,?,?,?,?,?)',(tid,a,B(day),ty,o,round(am,2),round(bal,2),ks))
        if k=='in':
            am=700 if first else round(sal,2) if not pens else round(sal*.4); first=False
            am=round(am); bal=round(bal+am,2); put('PRIJEM','transfer from bank' if pens else 'credit in cash',am,'pension' if pens else None)
        elif k=='o':
            for am,ks in orders:
                if bal>am: bal=round(bal-am,2); put('VYDAJ','remittance',am,ks)
        elif k=='out':
            am=round(random.uniform(.05,.6)*max(bal,100)/100)*100
            if am>0: bal=round(bal-am,2); put('VYDAJ','cash withdrawal',am,None)
        else:
            am=round(max(bal,0)*.002,2); 
            if am>0: bal=round(bal+am,2); put('PRIJEM',None,am,'interest')
c.commit()
# ---- iot: vehicles, trips with odometer, sensors with readings at fixed step, daily stock per product and shop
c=sqlite3.connect('fleet.sqlite')
c.executescript('''
create table vehicle(id integer primary key, plate text not null unique, model text not null, year int not null);
create table driver(id integer primary key, name text not null, license text not null);
create table trip(id integer primary key, vehicle_id int not null references vehicle, driver_id int references driver, started_at timestamp not null, ended_at timestamp not null, odo_start int not null, odo_end int not null, distance int not null, fuel decimal(6,2));
create table sensor(id integer primary key, vehicle_id int not null references vehicle, kind text not null, unit text not null);
create table reading(sensor_id int not null references sensor, at timestamp not null, value real not null, status text not null, primary key(sensor_id, at));
create table product(id integer primary key, name text not null, price decimal(8,2) not null);
create table shop(id integer primary key, city text not null);
create table stock(product_id int not null references product, shop_id int not null references shop, day date not null, sold int not null, delivered int not null, on_hand int not null, primary key(product_id, shop_id, day));
''')
T=lambda s:(d.datetime(2024,1,1)+d.timedelta(seconds=s)).strftime('%Y-%m-%d %H:%M:%S')
models=['Sprinter','Transit','Ducato','Crafter']
for i in range(80): c.execute('insert into driver values(?,?,?)',(i+1,random.choice(fn)+' '+random.choice(ln),random.choice(['B','C','CE'])))
tid=sid=0
for v in range(1,61):
    mo=random.choice(models); yr=random.randrange(2012,2024)
    c.execute('insert into vehicle values(?,?,?,?)',(v,f'{random.choice("ABCDEF")}{random.choice("KLMN")} {random.randrange(1000,9999)}',mo,yr))
    odo=(2024-yr)*random.randrange(8000,25000)+random.randrange(3000); t=random.randrange(0,86400*10); dr=random.sample(range(1,81),3)
    while t<86400*120:
        dist=max(2,int(random.lognormvariate(3.3,.8))); du=int(dist*random.uniform(60,110))+300
        tid+=1; c.execute('insert into trip values(?,?,?,?,?,?,?,?,?)',(tid,v,random.choices(dr+[None],[6,3,1,.5])[0],T(t),T(t+du),odo,odo+dist,dist,round(dist*random.gauss(.11,.01)+.3,2)))
        odo+=dist+ (random.randrange(1,4) if random.random()<.1 else 0); t+=du+int(random.expovariate(1/50000))+600
    for k,u in [('temperature','C'),('battery','V')][:random.choice([1,2,2])]:
        sid+=1; c.execute('insert into sensor values(?,?,?,?)',(sid,v,k,u)); x=20 if k=='temperature' else 12.6; off=random.gauss(0,2)
        for h in range(0,24*14):
            x+= random.gauss(0,.4) - (x-20-off-8*math.sin((h-9)/24*6.283))*.25 if k=='temperature' else random.gauss(0,.02)-(x-12.6)*.1
            if random.random()<.98: c.execute('insert into reading values(?,?,?,?)',(sid,T(h*3600),round(x,1 if k=='temperature' else 2),'ok' if random.random()<.99 else 'suspect'))
for i in range(40): c.execute('insert into product values(?,?,?)',(i+1,f'Article {random.choice(fn)} {i}',round(random.lognormvariate(2,1),2)))
for i in range(8): c.execute('insert into shop values(?,?)',(i+1,random.choice(['Graz','Linz','Wien','Wels'])))
for p in range(1,41):
    for s in random.sample(range(1,9),random.randrange(3,9)):
        on=random.randrange(20,80); rate=random.lognormvariate(1.2,.6)
        for dd in range(60):
            sold=min(on,sum(random.random()<rate/20 for _ in range(20))); dele=0
            if on-sold<15: dele=random.choice([20,40,60])
            on=on-sold+dele
            c.execute('insert into stock values(?,?,?,?,?,?)',(p,s,(d.date(2024,1,1)+d.timedelta(days=dd)).isoformat(),sold,dele,on))
c.commit()
