#!/usr/bin/env python3
"""Writes three SQLite databases of kinds that are often met: `kinds.py FOLDER`.

races.sqlite: seasons of races with results, standings that add up, ranks, and a time of the year without any.
shop.sqlite: orders with items, payments and reviews, customers and sellers at places, products of categories.
clinic.sqlite: patients with encounters, conditions and medications, observations of one code and unit each.
Same rows every time.
"""
import datetime as D, hashlib, math, os, random, sqlite3, sys



def connect(name):
    if os.path.exists(name):
        os.remove(name)
    return sqlite3.connect(name)


def races():
    random.seed(7)
    c=connect("races.sqlite"); c.executescript('''
    CREATE TABLE circuits(circuitId INTEGER PRIMARY KEY, circuitRef TEXT NOT NULL, name TEXT NOT NULL, location TEXT, country TEXT, lat REAL, lng REAL, alt INTEGER);
    CREATE TABLE drivers(driverId INTEGER PRIMARY KEY, driverRef TEXT NOT NULL, code TEXT, forename TEXT, surname TEXT, dob DATE, nationality TEXT);
    CREATE TABLE constructors(constructorId INTEGER PRIMARY KEY, constructorRef TEXT NOT NULL, name TEXT, nationality TEXT);
    CREATE TABLE status(statusId INTEGER PRIMARY KEY, status TEXT NOT NULL);
    CREATE TABLE races(raceId INTEGER PRIMARY KEY, year INTEGER NOT NULL, round INTEGER NOT NULL, circuitId INTEGER NOT NULL REFERENCES circuits, name TEXT, date DATE NOT NULL, time TEXT);
    CREATE TABLE results(resultId INTEGER PRIMARY KEY, raceId INTEGER NOT NULL REFERENCES races, driverId INTEGER NOT NULL REFERENCES drivers, constructorId INTEGER NOT NULL REFERENCES constructors, number INTEGER, grid INTEGER NOT NULL, position INTEGER, positionOrder INTEGER NOT NULL, points REAL NOT NULL, laps INTEGER NOT NULL, milliseconds INTEGER, fastestLap INTEGER, rank INTEGER, statusId INTEGER NOT NULL REFERENCES status);
    CREATE TABLE driver_standings(driverStandingsId INTEGER PRIMARY KEY, raceId INTEGER NOT NULL REFERENCES races, driverId INTEGER NOT NULL REFERENCES drivers, points REAL NOT NULL, position INTEGER NOT NULL, wins INTEGER NOT NULL);
    CREATE TABLE constructor_results(constructorResultsId INTEGER PRIMARY KEY, raceId INTEGER NOT NULL REFERENCES races, constructorId INTEGER NOT NULL REFERENCES constructors, points REAL NOT NULL);
    CREATE TABLE constructor_standings(constructorStandingsId INTEGER PRIMARY KEY, raceId INTEGER NOT NULL REFERENCES races, constructorId INTEGER NOT NULL REFERENCES constructors, points REAL NOT NULL, position INTEGER NOT NULL, wins INTEGER NOT NULL);
    CREATE TABLE qualifying(qualifyId INTEGER PRIMARY KEY, raceId INTEGER NOT NULL REFERENCES races, driverId INTEGER NOT NULL REFERENCES drivers, constructorId INTEGER NOT NULL REFERENCES constructors, number INTEGER NOT NULL, position INTEGER NOT NULL, q1 TEXT, q2 TEXT, q3 TEXT);
    ''')
    syl=['ba','ren','to','mil','ka','ser','vi','lo','gar','den','mon','fe','ri','sal','tur','nel','pos','hak','ve','tan']
    word=lambda n=None:''.join(random.choice(syl) for _ in range(n or random.randint(2,4))).capitalize()
    nats=['British','Italian','French','German','American','Brazilian','Spanish','Finnish','Japanese','Dutch','Swiss','Australian']
    countries=['UK','Italy','France','Germany','USA','Brazil','Spain','Finland','Japan','Netherlands','Switzerland','Australia','Monaco','Belgium','Canada']
    for i in range(1,72):
        w=word(); c.execute('insert into circuits values(?,?,?,?,?,?,?,?)',(i,w.lower(),w+random.choice([' Circuit',' International Circuit',' Street Circuit',' Park']),word(),random.choice(countries),round(random.uniform(-38,58),5),round(random.uniform(-120,145),5),int(abs(random.gauss(150,300)))))
    ND=420
    drivers=[]
    for i in range(1,ND+1):
        first=random.randint(1990,2023); age=random.randint(19,32); f,s=word(2),word()
        dob=D.date(first-age,random.randint(1,12),random.randint(1,28))
        drivers.append((i,first,first+min(int(random.expovariate(1/4))+1,16),random.gauss(0,1)))
        c.execute('insert into drivers values(?,?,?,?,?,?,?)',(i,s.lower(),s[:3].upper() if random.random()<.4 else None,f,s,dob.isoformat(),random.choices(nats,weights=[9,6,5,5,4,4,3,3,3,2,2,2])[0]))
    cons=[]
    for i in range(1,61):
        a=random.randint(1985,2018); cons.append((i,a,a+random.randint(3,35),random.gauss(0,1.2)))
        n=word(); c.execute('insert into constructors values(?,?,?,?)',(i,n.lower(),n,random.choice(nats)))
    names=['Finished','Disqualified','Accident','Collision','Engine','Gearbox','Transmission','Clutch','Hydraulics','Electrical']+[f'+{i} Lap'+('s' if i>1 else '') for i in range(1,10)]+['Spun off','Suspension','Brakes','Overheating','Retired','Fuel pressure']
    for i,n in enumerate(names,1): c.execute('insert into status values(?,?)',(i,n))
    PT=[25,18,15,12,10,8,6,4,2,1]; OLD=[10,6,4,3,2,1]
    rid=0;res=[];ds=[];cr=[];cs=[];qu=[]
    def tm(ms): return f"{ms//60000}:{ms%60000/1000:06.3f}"
    for y in range(1990,2024):
        pts=OLD if y<2003 else PT
        acons=[k for k in cons if k[1]<=y<=k[2]]; acons=random.sample(acons,min(len(acons),11))
        adr=[d for d in drivers if d[1]<=y<=d[2]]; random.shuffle(adr)
        seats=[]
        for j,k in enumerate(acons):
            for s in range(2):
                if adr: seats.append((adr.pop(),k,random.randint(1,44) if y>=2014 else j*2+s+1))
        day=D.date(y,3,7)+D.timedelta(days=(6-D.date(y,3,7).weekday())%7); tot={};win={};ctot={};cwin={}
        circ=random.sample(range(1,72),random.randint(16,22))
        for rnd,ci in enumerate(circ,1):
            rid+=1
            c.execute('insert into races values(?,?,?,?,?,?,?)',(rid,y,rnd,ci,word()+' Grand Prix',day.isoformat(),f'{random.choice([12,13,14,18])}:00:00' if y>=2005 else None))
            day+=D.timedelta(days=random.choice([7,7,14,14,14] if len(circ)>18 else [7,14,14,14,14]))
            if seats and random.random()<.1 and adr: # replace a driver
                q=random.randrange(len(seats)); seats[q]=(adr.pop(),)+seats[q][1:]
            grid=sorted(seats,key=lambda s:-(s[0][3]*.6+s[1][3]*1.5+random.gauss(0,.8)))
            fin=sorted([(-(s[0][3]*.6+s[1][3]*1.5+random.gauss(0,.9))+(.05*g),g,s) for g,s in enumerate(grid)],key=lambda t:t[0])
            laps=random.randint(44,78); base=random.randint(5000000,6300000); out=[];run=[]
            for t,g,s in fin: (out if random.random()<(.35 if y<2003 else .16) else run).append((g,s))
            order=run+out; cp={}; ranks=list(range(1,len(order)+1)); random.shuffle(ranks)
            for po,(g,s) in enumerate(order,1):
                d,k,num=s; fini=po<=len(run); p_=pts[po-1] if fini and po<=len(pts) else 0
                lapped=0
                if fini and po>6: lapped=random.choice([0,0,1,1,1,2,3])
                L=laps-lapped if fini else random.randint(0,laps-1)
                st=(1 if lapped==0 else 10+lapped) if fini else random.choice([3,4,5,5,5,6,7,8,9,10,20,21,22,23,24,25])
                ms=base+int((po-1)*7000*random.uniform(.7,1.3)) if fini and lapped==0 else None
                res.append((rid,d[0],k[0],num,g+1 if random.random()>.03 else 0,po if fini else None,po,p_,L,ms,random.randint(max(1,L//2),L) if y>=2004 and L>3 else None,ranks[po-1] if y>=2004 else None,st))
                tot[d[0]]=tot.get(d[0],0)+p_; ctot[k[0]]=ctot.get(k[0],0)+p_; cp[k[0]]=cp.get(k[0],0)+p_
                win[d[0]]=win.get(d[0],0)+(po==1); cwin[k[0]]=cwin.get(k[0],0)+(po==1)
            for pos,(d,v) in enumerate(sorted(tot.items(),key=lambda t:-t[1]),1): ds.append((rid,d,v,pos,win[d]))
            for k,v in cp.items(): cr.append((rid,k,v))
            for pos,(k,v) in enumerate(sorted(ctot.items(),key=lambda t:-t[1]),1): cs.append((rid,k,v,pos,cwin[k]))
            if y>=2003:
                b=random.randint(70000,100000)
                for pos,s in enumerate(grid,1):
                    q=[b+pos*90+random.randint(0,400) for _ in range(3)]
                    qu.append((rid,s[0][0],s[1][0],s[2],pos,tm(q[0]),tm(q[1]) if pos<=16 else None,tm(q[2]) if pos<=10 else None))
    for t,rows in (('results',res),('driver_standings',ds),('constructor_results',cr),('constructor_standings',cs),('qualifying',qu)):
        c.executemany(f'insert into {t} values({",".join("?"*(len(rows[0])+1))})',[(i,)+r for i,r in enumerate(rows,1)])
    c.commit()


def shop():
    random.seed(11)
    c=connect("shop.sqlite"); c.executescript('''
    CREATE TABLE geolocation(zip_prefix TEXT PRIMARY KEY, lat REAL NOT NULL, lng REAL NOT NULL, city TEXT NOT NULL, state TEXT NOT NULL);
    CREATE TABLE customers(customer_id TEXT PRIMARY KEY, customer_unique_id TEXT NOT NULL, zip_prefix TEXT NOT NULL REFERENCES geolocation, city TEXT NOT NULL, state TEXT NOT NULL);
    CREATE TABLE sellers(seller_id TEXT PRIMARY KEY, zip_prefix TEXT NOT NULL REFERENCES geolocation, city TEXT NOT NULL, state TEXT NOT NULL);
    CREATE TABLE category(category_name TEXT PRIMARY KEY, category_name_english TEXT NOT NULL);
    CREATE TABLE products(product_id TEXT PRIMARY KEY, category_name TEXT REFERENCES category, name_length INTEGER, description_length INTEGER, photos_qty INTEGER, weight_g INTEGER, length_cm INTEGER, height_cm INTEGER, width_cm INTEGER);
    CREATE TABLE orders(order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL UNIQUE REFERENCES customers, status TEXT NOT NULL, purchase_timestamp TIMESTAMP NOT NULL, approved_at TIMESTAMP, delivered_carrier_date TIMESTAMP, delivered_customer_date TIMESTAMP, estimated_delivery_date TIMESTAMP NOT NULL);
    CREATE TABLE order_items(order_id TEXT NOT NULL REFERENCES orders, order_item_id INTEGER NOT NULL, product_id TEXT NOT NULL REFERENCES products, seller_id TEXT NOT NULL REFERENCES sellers, shipping_limit_date TIMESTAMP NOT NULL, price DECIMAL(10,2) NOT NULL, freight_value DECIMAL(10,2) NOT NULL, PRIMARY KEY(order_id, order_item_id));
    CREATE TABLE payments(order_id TEXT NOT NULL REFERENCES orders, payment_sequential INTEGER NOT NULL, payment_type TEXT NOT NULL, installments INTEGER NOT NULL, payment_value DECIMAL(10,2) NOT NULL, PRIMARY KEY(order_id,payment_sequential));
    CREATE TABLE reviews(review_id TEXT PRIMARY KEY, order_id TEXT NOT NULL REFERENCES orders, score INTEGER NOT NULL, comment_title TEXT, comment_message TEXT, creation_date TIMESTAMP NOT NULL, answer_timestamp TIMESTAMP NOT NULL);
    ''')
    h=lambda x: hashlib.md5(str(x).encode()).hexdigest()
    syl=['ba','ren','to','mil','ka','ser','vi','lo','gar','den','mon','fe','ri','sal','tur','nel','pos','hak','ve','tan']
    word=lambda n=None:''.join(random.choice(syl) for _ in range(n or random.randint(2,4)))
    states=[('SP',-23.5,-46.6,42),('RJ',-22.9,-43.2,13),('MG',-19.9,-43.9,12),('RS',-30,-51.2,6),('PR',-25.4,-49.3,5),('SC',-27.6,-48.5,4),('BA',-12.9,-38.5,3),('DF',-15.8,-47.9,2),('GO',-16.7,-49.3,2),('PE',-8,-34.9,2),('CE',-3.7,-38.5,2),('PA',-1.4,-48.5,1)]
    geo=[]
    zp=1000
    for s,la,lo,w in states:
        cities=[(word(3),la+random.gauss(0,1.2),lo+random.gauss(0,1.2),random.paretovariate(1.5)) for _ in range(6+w)]
        for _ in range(w*14):
            ci=random.choices(cities,weights=[x[3] for x in cities])[0]; zp+=random.randint(1,40)
            geo.append((f'{zp:05d}',round(ci[1]+random.gauss(0,.05),6),round(ci[2]+random.gauss(0,.05),6),ci[0],s,random.paretovariate(2.5)))
    c.executemany('insert into geolocation values(?,?,?,?,?)',[g[:5] for g in geo])
    cats=[word(3) for _ in range(45)]; cats=list(dict.fromkeys(cats))
    for i,x in enumerate(cats): c.execute('insert into category values(?,?)',(x,word(2)+'_'+word(2)))
    N=6000
    sell=[(h(('s',i)),random.choices(geo,weights=[g[5]*(4 if g[4]=='SP' else 1) for g in geo])[0],random.paretovariate(.9)) for i in range(350)]
    for s in sell: c.execute('insert into sellers values(?,?,?,?)',(s[0],s[1][0],s[1][3],s[1][4]))
    prod=[]
    for i in range(1800):
        ci=min(int(random.expovariate(1/9)),len(cats)-1); w=int(random.lognormvariate(6+ (ci%5)*.4,1)); l=max(16,int(random.gauss(20+w**.33*1.5,6)))
        price=round(random.lognormvariate(3.6+(ci%7)*.25+math.log(w)/12,.7))-random.choice([.01,.1,0,.5,.01,.01])
        prod.append((h(('p',i)),cats[ci],price,w,random.choices(sell,weights=[s[2] for s in sell])[0],random.paretovariate(1.6)))
        c.execute('insert into products values(?,?,?,?,?,?,?,?,?)',(prod[-1][0],cats[ci] if random.random()>.02 else None,int(random.gauss(48,10)),int(random.lognormvariate(6.4,.7)),min(1+int(random.expovariate(.8)),12),w,l,max(2,int(random.gauss(16,8))),max(11,int(random.gauss(22,7)))))
    t0=D.datetime(2016,10,1); people=[]
    f=lambda t: t.strftime('%Y-%m-%d %H:%M:%S') if t else None
    for i in range(N):
        g=random.choices(geo,weights=[g[5] for g in geo])[0]
        u=random.choice(people) if people and random.random()<.03 else h(('u',i)); people.append(u)
        cid=h(('c',i)); c.execute('insert into customers values(?,?,?,?,?)',(cid,u,g[0],g[3],g[4]))
        day=int(690*math.sqrt(random.random())); hr=random.choices(range(24),weights=[2,1,1,1,1,1,2,3,5,7,9,9,9,9,9,9,9,8,8,8,9,8,7,4])[0]
        t=t0+D.timedelta(days=day,hours=hr,minutes=random.randint(0,59),seconds=random.randint(0,59))
        if t.weekday()>=5 and random.random()<.3: t+=D.timedelta(days=2)
        st=random.choices(['delivered','shipped','canceled','unavailable','invoiced','processing'],weights=[970,11,6,6,3,3])[0]
        ap=t+D.timedelta(seconds=int(random.choice([random.uniform(300,2000),random.uniform(300,2000),random.uniform(3600,200000)]))) if st!='canceled' else None
        oid=h(('o',i)); n=1+(random.random()<.1)+(random.random()<.03); tot=0; items=[]
        pr=random.choices(prod,weights=[p[5] for p in prod])[0]
        for k in range(1,n+1):
            if k>1 and random.random()<.3: pr=random.choice(prod)
            s=pr[4]; dist=math.hypot(s[1][1]-g[1],s[1][2]-g[2]); fr=round(7+dist*1.2+pr[3]/1000*1.5+random.uniform(0,3),2)
            price=round(pr[2]*random.choice([1,1,1,1,.9,1.1]),2); price=max(price,2.5)
            items.append((oid,k,pr[0],s[0],f((ap or t)+D.timedelta(days=random.choice([4,5,6,6,7]))),price,fr)); tot+=price+fr
        dc=ap+D.timedelta(days=random.expovariate(.45)+.3) if st in('delivered','shipped') else None
        de=dc+D.timedelta(days=random.gauss(3+dist*.6,2)%40+.5) if st=='delivered' else None
        es=(t+D.timedelta(days=int(14+dist*.9+random.gauss(0,4)))).replace(hour=0,minute=0,second=0)
        c.execute('insert into orders values(?,?,?,?,?,?,?,?)',(oid,cid,st,f(t),f(ap),f(dc),f(de),f(es)))
        c.executemany('insert into order_items values(?,?,?,?,?,?,?)',items)
        tot=round(tot,2); ty=random.choices(['credit_card','boleto','voucher','debit_card'],weights=[74,19,5,2])[0]
        if ty=='voucher' and random.random()<.5 or random.random()<.02:
            a=round(tot*random.random(),2); c.execute('insert into payments values(?,?,?,?,?)',(oid,1,'credit_card',1,a)); c.execute('insert into payments values(?,?,?,?,?)',(oid,2,'voucher',1,round(tot-a,2)))
        else: c.execute('insert into payments values(?,?,?,?,?)',(oid,1,ty,min(1+int(random.expovariate(1/(1+tot/60))),10) if ty=='credit_card' else 1,tot))
        late=de and de>es; sc=random.choices([1,2,3,4,5],weights=[46,8,11,12,23] if late or st!='delivered' else [7,3,8,20,62])[0]
        cr=((de or es)+D.timedelta(days=1)).replace(hour=0,minute=0,second=0)
        c.execute('insert into reviews values(?,?,?,?,?,?,?)',(h(('r',i)),oid,sc,word(2) if random.random()<.12 else None,' '.join(word(2) for _ in range(random.randint(2,15))) if random.random()<(.7 if sc<3 else .35) else None,f(cr),f(cr+D.timedelta(seconds=int(random.expovariate(1/2.6/86400)+3600)))))
    c.commit()


def clinic():
    random.seed(5)
    c=connect("clinic.sqlite"); c.executescript('''
    CREATE TABLE patients(id INTEGER PRIMARY KEY, birthdate DATE NOT NULL, deathdate DATE, gender TEXT NOT NULL, race TEXT NOT NULL, marital TEXT, income INTEGER, zip TEXT);
    CREATE TABLE organizations(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL, beds INTEGER);
    CREATE TABLE providers(id INTEGER PRIMARY KEY, organization_id INTEGER NOT NULL REFERENCES organizations, speciality TEXT NOT NULL, gender TEXT NOT NULL);
    CREATE TABLE encounters(id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patients, provider_id INTEGER NOT NULL REFERENCES providers, organization_id INTEGER NOT NULL REFERENCES organizations, start TIMESTAMP NOT NULL, stop TIMESTAMP NOT NULL, class TEXT NOT NULL, code INTEGER NOT NULL, description TEXT NOT NULL, base_cost REAL NOT NULL, total_cost REAL NOT NULL, payer_coverage REAL NOT NULL);
    CREATE TABLE observations(id INTEGER PRIMARY KEY, encounter_id INTEGER NOT NULL REFERENCES encounters, patient_id INTEGER NOT NULL REFERENCES patients, date TIMESTAMP NOT NULL, code TEXT NOT NULL, description TEXT NOT NULL, value REAL NOT NULL, units TEXT NOT NULL);
    CREATE TABLE conditions(id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patients, encounter_id INTEGER NOT NULL REFERENCES encounters, start DATE NOT NULL, stop DATE, code INTEGER NOT NULL, description TEXT NOT NULL);
    CREATE TABLE medications(id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patients, encounter_id INTEGER NOT NULL REFERENCES encounters, start DATE NOT NULL, stop DATE, code INTEGER NOT NULL, description TEXT NOT NULL, base_cost REAL NOT NULL, dispenses INTEGER NOT NULL, total_cost REAL NOT NULL);
    ''')
    OBS=[('8302-2','Body Height','cm'),('29463-7','Body Weight','kg'),('39156-5','BMI','kg/m2'),('8480-6','Systolic BP','mm[Hg]'),('8462-4','Diastolic BP','mm[Hg]'),('2093-3','Total Cholesterol','mg/dL'),('4548-4','HbA1c','%'),('2339-0','Glucose','mg/dL'),('72514-3','Pain score','{score}')]
    CO=[(44054006,'Diabetes',.08,False),(38341003,'Hypertension',.25,False),(444814009,'Viral sinusitis',.6,True),(195662009,'Acute viral pharyngitis',.5,True),(10509002,'Acute bronchitis',.4,True),(271737000,'Anemia',.2,False),(162864005,'Obesity',.3,False),(53741008,'Coronary heart disease',.05,False)]
    MED={44054006:(860975,'Metformin 500 MG',12.5),38341003:(314076,'Lisinopril 10 MG',9.9),195662009:(313782,'Acetaminophen 325 MG',5.49),10509002:(1043400,'Dextromethorphan',8.2),53741008:(309362,'Clopidogrel 75 MG',41.3),444814009:(308182,'Amoxicillin 250 MG',17.2)}
    ENC=[('wellness',162673000,'General examination',129.16),('ambulatory',185345009,'Encounter for symptom',85.55),('outpatient',185347001,'Encounter for problem',85.55),('emergency',50849002,'Emergency room admission',146.18),('inpatient',183452005,'Hospital admission',150.2)]
    syl=['ba','ren','to','mil','ka','ser','vi','lo','gar','den','mon','fe']
    word=lambda n=3:''.join(random.choice(syl) for _ in range(n)).capitalize()
    for i in range(1,61): c.execute('insert into organizations values(?,?,?,?)',(i,word()+' '+random.choice(['Hospital','Clinic','Medical Center']),random.choice(['Boston','Worcester','Lowell','Quincy','Salem']),random.choice([None,50,100,200,400])))
    prov=[]
    for i in range(1,301):
        o=random.randint(1,60); prov.append((i,o)); c.execute('insert into providers values(?,?,?,?)',(i,o,random.choices(['GENERAL PRACTICE','CARDIOLOGY','INTERNAL MEDICINE','EMERGENCY'],weights=[7,1,2,1])[0],random.choice('MF')))
    eid=oid=cid=mid=0
    for pid in range(1,1201):
        age=random.uniform(1,95); b=D.date(2023,6,1)-D.timedelta(days=int(age*365.25)); g=random.choice('MF')
        inc=int(random.lognormvariate(10.8,.6)); dead=random.random()<max(0,(age-60)/90)
        end=D.date(2023,6,1) if not dead else D.date(2023,6,1)-D.timedelta(days=random.randint(0,3000))
        c.execute('insert into patients values(?,?,?,?,?,?,?,?)',(pid,b.isoformat(),end.isoformat() if dead else None,g,random.choices(['white','black','asian','hispanic'],weights=[7,1,1,1])[0],random.choice(['M','S','D']) if age>20 else None,inc,random.choice(['02108','02118','01605','01851',None])))
        home=random.choice(prov); H=(176 if g=='M' else 163)+random.gauss(0,7); bmi0=random.gauss(27,4.5)
        have=set()
        t=D.datetime(max(b.year,2013),random.randint(1,12),random.randint(1,28),random.randint(8,17),random.randint(0,59),random.randint(0,59))
        if t.date()<b: t=D.datetime(b.year+1,1,5,9,12,7)
        while t.date()<end:
            a=(t.date()-b).days/365.25
            k=random.choices(range(5),weights=[5,3,3,1,.5+a/80])[0]; e=ENC[k]; pr=home if random.random()<.75 else random.choice(prov)
            eid+=1; dur=D.timedelta(minutes=15) if k<3 else D.timedelta(minutes=random.choice([60,75,90])) if k==3 else D.timedelta(days=random.randint(1,9))
            n0=mid; em=[]
            if k==0 or random.random()<.3:
                h=min(H,50+ (H-50)*min(a,18)/18)+random.gauss(0,.1); w=bmi0*(.65+.35*min(a,20)/20)*(h/100)**2+random.gauss(0,1); bm=w/(h/100)**2; sb=105+a*.3+(25 if 38341003 in have else 0)+random.gauss(0,8)
                vals=[round(h,1),round(w,1),round(bm,2),round(sb),round(sb*.65+random.gauss(0,4))]
                if a>25: vals+=[round(170+a*.4+random.gauss(0,25),1),round((7.5 if 44054006 in have else 5.4)+random.gauss(0,.5),1),round((150 if 44054006 in have else 90)+random.gauss(0,12),1)]
                else: vals+=[None]*3
                vals.append(random.choices(range(11),weights=[5,4,3,3,2,1,1,1,.5,.3,.2])[0])
                for (co,de,un),v in zip(OBS,vals):
                    if v is not None: oid+=1; c.execute('insert into observations values(?,?,?,?,?,?,?,?)',(oid,eid,pid,t.isoformat(' '),co,de,v,un))
            for co,de,pp,acute in CO:
                pr_=pp*(.5 if acute else (a/60)*.25)*(1 if k else .15)*.6
                if random.random()<pr_ and (acute or co not in have):
                    have.add(co); cid+=1; stop=(t.date()+D.timedelta(days=random.choice([7,14,14,21]))) if acute else None
                    c.execute('insert into conditions values(?,?,?,?,?,?,?)',(cid,pid,eid,t.date().isoformat(),stop.isoformat() if stop else None,co,de))
                    if co in MED and random.random()<.8:
                        m=MED[co]; mid+=1; d=1 if acute else random.randint(1,40)
                        c.execute('insert into medications values(?,?,?,?,?,?,?,?,?,?)',(mid,pid,eid,t.date().isoformat(),stop.isoformat() if stop else None,m[0],m[1],m[2],d,round(m[2]*d,2)))
            cost=round(e[3]*random.uniform(1,9)**(1+.5*(k==4)),2)
            c.execute('insert into encounters values(?,?,?,?,?,?,?,?,?,?,?,?)',(eid,pid,pr[0],pr[1],t.isoformat(' '),(t+dur).isoformat(' '),e[0],e[1],e[2],e[3],cost,round(cost*random.choice([0,0,.8,.8,.9]),2)))
            t+=D.timedelta(days=max(2,int(random.expovariate(1/(420 if a<50 else 230)))),seconds=random.randint(-3000,3000))
    c.commit()


os.chdir(sys.argv[1])
races()
shop()
clinic()
